"""A sample of a table: its columns as arrays, as the sources of a spec read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.sources.base import Source, Table
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.excel import Excel
from dlspec.data.sources.json_lines import JsonLines
from dlspec.data.sources.parquet import Parquet
from dlspec.drafting.dialect import layout, numbers_in_words

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# So many rows are looked at, spread over all of them.
ROWS = 20_000
# Endings of files other than CSV.
_PARQUET = (".parquet", ".pq")
_JSON_LINES = re.compile(r"\.(?:jsonl|ndjson)(?:\.(?:gz|zst|bz2))?\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Values:
    """One column of the sample.

    Attributes:
        name: As the file has it.
        values: Shape [rows]: numbers as float64, NaN where missing; or words as objects, "" where missing.
        text: Whether they are words.
    """

    name: str
    values: Array = field(repr=False)
    text: bool

    @cached_property
    def missing(self) -> Array:
        """Mask of the rows without a value, shape [rows]."""
        import numpy as np

        return np.asarray(self.values == "", bool) if self.text else np.isnan(self.values)

    @cached_property
    def known(self) -> Array:
        """The values of rows that have one."""
        return self.values[~self.missing]

    @cached_property
    def _unique(self) -> tuple[Array, Array]:
        import numpy as np

        distinct, counts = np.unique(self.known, return_counts=True)
        return distinct, counts

    @property
    def distinct(self) -> Array:
        """The distinct values, sorted."""
        return self._unique[0]

    @property
    def counts(self) -> Array:
        """Number of occurrences of each of :attr:`distinct`, shape [distinct]."""
        return self._unique[1]

    @cached_property
    def whole(self) -> bool:
        """Whether all are whole numbers."""
        return not self.text and len(self.known) > 0 and bool((self.known == self.known.round()).all())

    @cached_property
    def codes(self) -> Array:
        """Numbers for a decision tree, shape [rows]: words by their place in the alphabet, missing ones below all."""
        import numpy as np

        if not self.text:
            lowest = self.known.min() - 1 if len(self.known) else 0.0
            return np.where(self.missing, lowest, self.values)
        codes = np.searchsorted(self.distinct, self.values).astype(np.float64)
        codes[self.missing] = -1
        return codes


@dataclass(frozen=True)
class Sample:
    """Some rows of a table.

    Attributes:
        columns: By name, in the order of the file; a column whose examples are arrays is left out.
        rows: How many rows are looked at.
        total: How many there are.
        source: The source, as a spec writes it.
        notes: What the source has left out.
    """

    columns: Mapping[str, Values]
    rows: int
    total: int
    source: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether it holds all rows, so that neighbours in it are neighbours in the table."""
        return self.rows == self.total


def take_sample(path: str, folder: Path) -> Sample:
    """Reads a sample of the rows of a table.

    Args:
        path: A file of CSV, Parquet, JSON Lines or Excel, from `folder`.
        folder: The folder in which the spec will stand.

    Raises:
        Problem: E601 there is no such file, E608 it is broken, E606 it holds no rows.
    """
    return sample_of(*opened(path, folder))


def opened(path: str, folder: Path) -> tuple[Source, Table]:
    """The source that reads a file, with what its rows show of how it is written, and the table that it reads.

    Raises:
        Problem: E601 there is no such file, E608 it is broken.
    """
    if _JSON_LINES.search(path):
        source: Source = JsonLines(path=path)
    elif path.lower().endswith(_PARQUET):
        source = Parquet(path=path)
    elif path.lower().endswith(Excel.suffixes):
        source = Excel(path=path)
    else:
        return _csv(path, folder)
    return source, source.open(folder)


def sample_of(source: Source, table: Table) -> Sample:
    """Some rows of the table that a source reads.

    Raises:
        Problem: E608 a file is broken, E606 it holds no rows.
    """
    path = source.given["path"]
    names = [name for name, column in table.columns.items() if not column.tensor.shape]
    total = max((table.columns[name].count for name in names), default=0)
    if not total:
        raise Problem("E606", f"`{path}` has no rows")
    return Sample(
        {name: _values(name, table, total, source.usual_gaps) for name in names},
        min(total, ROWS),
        total,
        {source.name: path if set(source.given) == {"path"} else dict(source.given)},
        tuple(warning.message for warning in table.left_out),
    )


def _csv(path: str, folder: Path) -> tuple[Source, Table]:
    """Source and table of a CSV file, read again with options where its words turn out to be numbers."""
    options: dict[str, Any] = {"path": path, **layout(folder / path)}
    source = Csv(**options)
    table = source.open(folder)
    texts = {name: table.read([name])[name] for name, column in table.columns.items() if column.text}
    number_options = numbers_in_words(texts, source.usual_gaps)
    if number_options:
        source = Csv(**options, **number_options)
        table = source.open(folder)
    return source, table


def _values(name: str, table: Table, total: int, gaps: Sequence[str]) -> Values:
    """Some values of a column; words among `gaps` are missing ones."""
    import numpy as np

    chosen = np.linspace(0, total - 1, min(total, ROWS)).astype(np.int64)
    values = table.take([name], chosen)[name]
    text = table.columns[name].text
    if text and gaps:
        values = np.where(np.isin(values, gaps), "", values)
    return Values(name, np.asarray(values, object if text else np.float64), text)
