"""Some examples of all columns, also of such that are made when a batch asks for them."""

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, Any]


def take(columns: Arrays, rows: np.ndarray) -> Arrays:
    """The examples `rows` of all columns."""
    return {name: values[rows] for name, values in columns.items()}


def gather(columns: Arrays, rows: np.ndarray) -> Arrays:
    """Some examples of all columns, as arrays."""
    return {name: np.asarray(values[rows]) for name, values in columns.items()}


def row_groups(metadata: Any) -> np.ndarray:
    """Offsets of the row groups of a Parquet file, its end included, shape [groups + 1]."""
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    return np.cumsum([0, *sizes])


class Lazy:
    """Examples that are made when a batch asks for them: `make` gives those of some rows."""

    def __init__(self, make: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> None:
        self.make, self.rows = make, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, some: np.ndarray) -> "Lazy":
        return Lazy(self.make, self.rows[some])

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.make(self.rows)

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> "Lazy":
        """A copy whose examples are changed when they are read."""
        return Lazy(lambda rows: change(self.make(rows)), self.rows)

    def astype(self, dtype: str) -> "Lazy":
        """A copy whose examples have another dtype."""
        return self.map(lambda values: values.astype(dtype))
