"""A spec as it is known at one moment: its text in the editor, and what the compiler says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.core.errors import Diagnostic
from dlspec.core.ir import Graph
from dlspec.core.tree import Map
from dlspec.core.workspace import Workspace
from dlspec.passes import Compilation, Reading, compile_spec
from dlspec.passes.state import Lowered, Pass
from dlspec.semantics.schema.keywords import schema
from dlspec.syntax.source import load
from dlspec.views.editing.text import Text

if TYPE_CHECKING:
    from dlspec.data.checks.contract import Known

# Sections that hardly any other kind of YAML file has; `layers` alone is enough.
_OWN = ("blocks", "models", "params", "data", "train", "tune", "expect", "report", "extends", "extensions", "generate")
# Data that were right before, kept for so many states of a spec.
_REMEMBERED = 200


class Superseded(Exception):
    """A compilation was given up since the text has changed."""


@dataclass(frozen=True)
class Analysis:
    """A spec's text, and its compilation.

    Attributes:
        path: Its file, which need not exist.
        text: The text that was compiled.
        state: What the compiler knows of it.
    """

    path: Path
    text: Text
    state: Compilation

    @property
    def name(self) -> str:
        """What spans call the file."""
        return str(self.path)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All problems in the order of the file, as ``dlspec check`` prints them."""
        return self.state.diagnostics.sorted()

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph that is trained and those of the models that it calls; none where an error hides them."""
        return self.state.graphs if isinstance(self.state, Lowered) else ()

    @cached_property
    def data(self) -> Map | None:
        """The mapping of this text alone, without what it extends; None where it is no YAML."""
        return load(self.text.source, self.name).data


class Analyser:
    """Compiles the texts of an editor; what was found right of their data need not be read again.

    No code of a spec runs, whatever it names.
    """

    def __init__(self) -> None:
        self._sound: dict[Path, dict[str, Known]] = {}

    def analyse(
        self,
        path: Path,
        texts: Mapping[Path, str],
        encoding: str = "utf-16",
        superseded: Callable[[], bool] = lambda: False,
    ) -> Analysis:
        """What the compiler says of the text of `path`: the same as ``dlspec check`` of a file with that text.

        Args:
            texts: Texts of open files.
            encoding: Unit in which the editor counts.
            superseded: Asked after each pass; whether nobody waits for the result any more.

        Raises:
            Superseded: Nobody did.
        """

        def observe(_run: Pass, _state: Compilation) -> None:
            if superseded():
                raise Superseded

        sound = self._sound.setdefault(path, {})
        if len(sound) > _REMEMBERED:
            sound.clear()
        workspace = Workspace(starts_keras=False, texts=dict(texts))
        state = compile_spec(path, workspace=workspace, reading=Reading(sound=sound), observe=observe)
        return Analysis(path, Text(texts.get(path, ""), encoding), state)

    def forget(self, path: Path) -> None:
        """Drops what is remembered of a file that is closed."""
        self._sound.pop(path, None)


def is_spec(text: str) -> bool:
    """Whether a YAML text is meant to be a spec: most files of an editor are others.

    It has `layers`, a line that names dlspec's schema, or two sections that are dlspec's; unknown ones are fewer.
    """
    keys = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha() and ":" in line]
    if "layers" in keys or any(line.startswith("#") and "dlspec" in line for line in text.splitlines()[:5]):
        return True
    known = schema()["properties"]
    own = {key for key in keys if key in _OWN}
    return len(own) > 1 and 2 * sum(key in known for key in keys) > len(keys)
