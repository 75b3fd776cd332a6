"""Where in a spec some data stand, and what the spec declares: for the codes and the wording of its mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Names(NamedTuple):
    """Names that a spec declares, so that help can speak of them.

    Attributes:
        calls: Blocks and models.
        misnamed: Those among them whose names are not allowed; uses of them are no further mistakes.
        params: Parameters, of the spec and of its blocks.
    """

    calls: tuple[str, ...] = ()
    misnamed: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()


class Context(NamedTuple):
    """Where in a spec some data stand: the keys and indices from the root, and the component they belong to.

    Attributes:
        axes: How many axes images or sequences have there; 0 where that is not known.
    """

    path: tuple[str | int, ...] = ()
    names: Names = Names()
    axes: int = 0

    def inside(self, path: Iterable[str | int]) -> Context:
        """The place `path` further in."""
        return Context((*self.path, *path), self.names, self.axes)

    @property
    def family(self) -> str:
        """Row of the table of codes."""
        sections = {"train": "train", "tune": "train", "report": "train", "data": "data"}
        if self.path and self.path[0] in sections:
            return sections[str(self.path[0])]
        return "layer" if "layers" in self.path[:-1] else "structure"

    @property
    def option(self) -> str:
        """The last key, in words."""
        names = [part for part in self.path if isinstance(part, str)]
        if not names:
            return "the spec"
        item = f"item {self.path[-1] + 1} of " if isinstance(self.path[-1], int) else ""
        owner = names[-2] if len(names) > 1 else ""
        if owner and owner not in ("layers", "blocks", "models", "branches"):
            return f"{item}`{names[-1]}` of {owner}"
        return f"{item}`{names[-1]}`"
