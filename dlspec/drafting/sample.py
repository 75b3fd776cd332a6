"""A sample of a table: its columns as arrays, as the sources of a spec read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.sources.base import Source, Table
from dlspec.drafting.arrays import Examples, examples_of
from dlspec.drafting.opening import opened

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# So many rows are looked at, spread over all of them.
ROWS = 20_000


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
    """Some examples of somebody's data.

    Attributes:
        columns: Those of single values by name, in the order of the file.
        rows: How many rows are looked at.
        total: How many there are.
        source: The source, as a spec writes it.
        notes: What the source has left out.
        arrays: The columns of which each example is an array, such as an image.
        label: The column that the data were collected to predict, as the folders of images are; "" where nothing says.
        shown: The data as the command names them.
    """

    columns: Mapping[str, Values]
    rows: int
    total: int
    source: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    arrays: Mapping[str, Examples] = field(default_factory=dict)
    label: str = ""
    shown: str = ""

    @property
    def complete(self) -> bool:
        """Whether it holds all rows, so that neighbours in it are neighbours in the table."""
        return self.rows == self.total


def take_sample(path: str, folder: Path, classes: str = "") -> Sample:
    """Reads a sample of the rows of a table, or of other examples.

    Args:
        path: A file or a folder, from `folder`.
        folder: The folder in which the spec will stand.
        classes: A second file, whose lines say what each line of text is; "" for none.

    Raises:
        Problem: E601 there is no such file, E608 it is broken, E606 it holds no rows.
    """
    return sample_of(path, *opened(path, folder, classes))


def sample_of(shown: str, source: Source, table: Table) -> Sample:
    """Some rows of the table that a source reads.

    Raises:
        Problem: E608 a file is broken, E606 it holds no rows.
    """
    names = [name for name, column in table.columns.items() if not column.tensor.shape]
    total = max((column.count for column in table.columns.values()), default=0)
    if not total:
        raise Problem("E606", f"`{shown}` has no rows")
    return Sample(
        {name: _values(name, table, total, source.usual_gaps) for name in names},
        min(total, ROWS),
        total,
        {source.name: _written(source, shown)},
        tuple(warning.message for warning in table.left_out),
        {name: examples_of(name, table) for name in table.columns if name not in names},
        next((name for name, column in table.columns.items() if column.label), ""),
        shown,
    )


def _written(source: Source, shown: str) -> Any:
    """The options of a source as a spec writes them: the path alone where nothing else is said, several as a list."""
    path = source.given.get("path")
    options = dict(source.given)
    if isinstance(path, tuple):
        options["path"] = list(path) if len(path) > 1 else shown
    return options["path"] if set(options) == {"path"} and not isinstance(options["path"], list) else options


def _values(name: str, table: Table, total: int, gaps: Sequence[str]) -> Values:
    """Some values of a column; words among `gaps` are missing ones."""
    import numpy as np

    chosen = np.linspace(0, total - 1, min(total, ROWS)).astype(np.int64)
    values = table.take([name], chosen)[name]
    text = table.columns[name].text
    if text and gaps:
        values = np.where(np.isin(values, gaps), "", values)
    return Values(name, np.asarray(values, object if text else np.float64), text)
