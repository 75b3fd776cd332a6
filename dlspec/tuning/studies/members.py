"""One member of a study: an ordinary spec, trained in a run folder of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.core.documents.report import Report
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.core.workspace import Workspace
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked, Trainable
from dlspec.training.run.resume import find
from dlspec.views.pages.index import MODELS_FOLDER

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Ended:
    """The end of a member's training.

    Attributes:
        facts: Its report; None where it failed.
        failure: Why it failed.
        seconds: The time that it took now: little where it had been finished before.
    """

    facts: Report | None
    failure: Diagnostic | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """Everything that a process needs to train a member; it can be pickled.

    Attributes:
        spec: The resolved spec of the study.
        home: The folder where its paths start.
        settings: ``key=value``, as on the command line.
        folder: The member's run folder.
        answers: Whether its answers for its test split are kept, as a table.
        answered: The parts of its data for which its answers are kept as arrays.
        command: What to type to repeat it.
    """

    spec: Path
    home: Path
    settings: tuple[str, ...]
    folder: Path
    answers: bool = False
    answered: tuple[str, ...] = ()
    command: str = ""
    allow_outside: bool = False
    allow_code: bool = False
    console: Console | None = None

    def run(self) -> Ended:
        """Trains, or goes on where it was interrupted; what is finished is only read.

        Raises:
            KeyboardInterrupt: The study shall stop; the member goes on from its checkpoint when it is run again.
        """
        start = time.monotonic()
        try:
            facts = self._trained()
        except SpecError as error:
            return Ended(None, error.diagnostics[0])
        except Problem as problem:
            return Ended(None, problem.at(None))
        finally:
            _clear()
        return Ended(facts, seconds=time.monotonic() - start)

    def died(self) -> Ended:
        """The result where its process died again and again."""
        message = f"the process that trained `{self.folder}` died again and again: it may want more memory"
        return Ended(None, Problem("E508", message, "use fewer `--workers`, or a smaller batch").at(None))

    def _trained(self) -> Report:
        from dlspec.syntax.dumping import dump
        from dlspec.training.train import request_of, run

        state = self.compiled()
        text = dump(state.data)
        location = find(self.folder.parent, state.name, text, run=self.folder, new=False, force=False)
        facts = location.finished
        if facts is None:
            request = replace(request_of(state), command=self.command)
            facts = run(request, self.folder.parent, location=location, console=self.console).facts
        if self.answers:
            from dlspec.tuning.studies.answers import keep

            keep(self.folder, state)
        if self.answered:
            from dlspec.tuning.studies.answers import keep_arrays

            keep_arrays(self.folder, state, self.answered)
        return facts

    def compiled(self) -> Trainable:
        """The checked spec of the member.

        Raises:
            SpecError: It is wrong.
        """
        copies = self.spec.parent / MODELS_FOLDER
        workspace = Workspace(self.home, self.allow_outside, self.allow_code, spare_models=copies)
        state = compile_spec(self.spec, self.settings, workspace)
        if not isinstance(state, Checked):
            raise SpecError(state.diagnostics.errors)
        return state.trainable("a study")


def settings_of(name: str | None, changes: Sequence[str], *, studied: bool = True) -> tuple[str, ...]:
    """What makes the resolved spec of a study that of one member.

    Args:
        name: Of the spec, where it does not say so itself.
        changes: The member's own ``key=value``.
        studied: Whether the spec names the study.
    """
    return (*(["train.method=null"] if studied else []), *([f"name={name}"] if name else []), *changes)


def _clear() -> None:
    """Frees the model."""
    import sys

    if (keras := sys.modules.get("keras")) is not None:
        keras.backend.clear_session()  # collects garbage
