"""Prepared inputs as columns of numbers, in which linear models look at them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Columns up to which the inputs are a table that every report fits.
COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """The assignment of prepared inputs to columns.

    Attributes:
        inputs: Their names, and for each of its whole numbers how many there are, which become as many columns of
            0 and 1; none for numbers that are columns as they stand.
        texts: Those whose rows are indices of words: a column for each index says how often it occurs; index 0, which
            fills rows up, has none.
    """

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    texts: tuple[str, ...] = ()

    def columns(self, inputs: Mapping[str, Array]) -> Array:
        """The columns, shape [examples, columns], float64."""
        import numpy as np

        parts: list[Array] = []
        for name, counts in self.inputs:
            values = inputs[name].reshape(len(inputs[name]), -1)
            if not counts:
                parts.append(values.astype(np.float64))
            elif name in self.texts:
                parts.append(occurrences(values, counts[0]))
            else:
                parts += [values[:, [index]] == np.arange(count) for index, count in enumerate(counts)]
        return np.concatenate(parts, axis=1, dtype=np.float64, casting="unsafe")


def occurrences(values: Array, count: int) -> Array:
    """How often each index from 1 on occurs in each row, shape [examples, count − 1]; indices beyond are left out."""
    import numpy as np

    known = (values > 0) & (values < count)
    places = np.where(known, values, 0) + np.arange(len(values))[:, None] * count
    counts: Array = np.bincount(places.reshape(-1), minlength=len(values) * count).reshape(len(values), count)
    return counts[:, 1:]


def layout_of(
    batches: Iterable[Mapping[str, Array]], texts: Collection[str] = (), most: int = COLUMNS, *, arrays: bool = False
) -> Layout | None:
    """The layout of some examples; None where they are no numbers, or have too many columns.

    Args:
        batches: Inputs by name; only the first one is read where no input holds whole numbers.
        texts: The inputs whose rows are indices of the words of a text.
        most: Columns that are not too many.
        arrays: Whether inputs may have several axes, each number of which is a column then.
    """
    sizes: dict[str, Array] = {}
    for inputs in batches:
        for name, values in inputs.items():
            if (values.ndim > 2 and not arrays) or values.dtype.kind not in "fiub":
                return None
            flat = values.reshape(len(values), -1)
            if values.dtype.kind in "iu" and values.ndim > 2:
                return None
            if values.dtype.kind == "i" and not _enlarge(sizes, name, flat, joined=name in texts):
                return None
        if not sizes:
            break
        if sum(int(each.sum()) for each in sizes.values()) > most:
            return None
    else:
        if not sizes:
            return None
    counts = {name: tuple(int(size) for size in sizes[name]) if name in sizes else () for name in inputs}
    width = sum(sum(each) if each else inputs[name][0].size for name, each in counts.items())
    return Layout(tuple(counts.items()), tuple(name for name in texts if name in sizes)) if 0 < width <= most else None


def _enlarge(sizes: dict[str, Array], name: str, flat: Array, *, joined: bool) -> bool:
    """Takes the largest index of each column, or of all, into account; False where one is negative."""
    import numpy as np

    if int(flat.min()) < 0:
        return False
    now = np.asarray([flat.max()] if joined else flat.max(axis=0), np.int64) + 1
    sizes[name] = np.maximum(sizes[name], now) if name in sizes else now
    return True
