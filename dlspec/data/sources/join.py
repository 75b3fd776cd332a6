"""Two tables joined by a key: each row of the left one gets the columns of its partner on the right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlspec.components.registry import choice, component, example, optional, plain, text
from dlspec.core.errors import Problem
from dlspec.data.sources.base import Source, Table
from dlspec.data.sources.join_table import DROP, ERROR, MISSING, Joined

_KEYS = {
    "type": ["string", "array", "object"],
    "items": {"type": "string"},
    "additionalProperties": {"type": "string"},
    "minItems": 1,
    "minProperties": 1,
}


class Join(Source):
    """The rows of one table, each with the columns of the row of another one that has the same key."""

    inner = "left"
    left: Any = component("source", doc="The examples: any source.")
    right: Any = component("source", doc="Source of the columns to add, with one row for each key.")
    on: Any = plain(
        _KEYS, doc="The key: a column of both, several, or a map from columns on the left to those on the right."
    )
    unmatched = choice(
        ERROR,
        DROP,
        MISSING,
        default=ERROR,
        doc="What becomes of rows on the left without a partner: an error, left out, or kept with missing values.",
    )
    prefix = optional(text(), doc="Prefix of the names of the columns from the right.")
    examples = (
        example("{left: {csv: ratings.csv}, right: {csv: films.csv}, on: film}"),
        example("{left: {csv: visits.csv}, right: {parquet: people.parquet}, on: {person: id}, unmatched: drop}"),
    )

    @property
    def keys(self) -> dict[str, str]:
        """Columns of the key: that on the left → that on the right."""
        if isinstance(self.on, Mapping):
            return {str(left): str(right) for left, right in self.on.items()}
        names = [self.on] if isinstance(self.on, str) else self.on
        return {name: name for name in names}

    @property
    def modules(self) -> tuple[str, ...]:
        """Python modules of both sources."""
        return (*self.left.modules, *self.right.modules)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Words for a missing value on either side."""
        return tuple(dict.fromkeys((*self.left.gaps, *self.right.gaps)))

    @property
    def usual_gaps(self) -> tuple[str, ...]:
        """Words of both sources that usually stand for missing values."""
        return tuple(dict.fromkeys((*self.left.usual_gaps, *self.right.usual_gaps)))

    @property
    def pictures(self) -> tuple[str, ...]:
        """Columns of pictures of both sources."""
        return (*self.left.pictures, *(f"{self.prefix or ''}{name}" for name in self.right.pictures))

    def named_files(self, folder: Path, *, allow_outside: bool = False) -> Iterable[str]:
        """Files that both sources name."""
        for side in (self.left, self.right):
            yield from side.named_files(folder, allow_outside=allow_outside)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """A refusal: projects join no tables."""
        return {"refused": "a `join` of two sources: write the joined table to a file, and read that"}

    def splitter(self) -> Any:
        """The default splitter of the left source."""
        return self.left.splitter()

    def open(self, folder: Path, *, allow_outside: bool = False) -> Joined:
        """Opens both sides."""
        tables = {}
        for side in ("left", "right"):
            try:
                tables[side] = getattr(self, side).open(folder, allow_outside=allow_outside)
            except Problem as problem:
                problem.option = side
                raise
        return Joined(tables["left"], tables["right"], self.keys, self.unmatched, self.prefix or "")
