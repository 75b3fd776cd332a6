"""Examples of a model whose inputs are all drawn: there is nothing to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dlspec.components.registry import example, integer
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import Arrays, Column, Source, Table

_NUMBER = "number"


class Draws(Source):
    """A number of examples whose inputs are all drawn; its only column, ``number``, counts them from 0."""

    shorthand = "examples_per_epoch"
    examples_per_epoch = integer(min=1, max=2**31 - 1, doc="How many examples an epoch has.")
    examples = (example("6400"),)

    def open(self, folder: Path, *, allow_outside: bool = False) -> DrawsTable:
        """A table without files."""
        return DrawsTable(self.examples_per_epoch)

    def emitted(self, columns: Sequence[str], table: Table) -> dict[str, Piece]:
        """Template values: the expression of the column."""
        return {"count": Piece("{}", self.examples_per_epoch)}


class DrawsTable(Table):
    """So many examples."""

    def __init__(self, count: int) -> None:
        self._count = count

    @property
    def columns(self) -> Mapping[str, Column]:
        """One column: the number of each example."""
        return {_NUMBER: Column(Tensor((), "int64"), self._count)}

    def read(self, names: Iterable[str]) -> Arrays:
        """Whole numbers from 0, shape [examples]."""
        import numpy as np

        return {name: np.arange(self._count) for name in names}

    def where(self, index: int) -> str:
        """Number of an example."""
        return f"drawn example {index}"

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """No input takes the number of an example unless the spec says so."""
        return []
