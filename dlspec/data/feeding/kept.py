"""Columns of new examples that are handed on to the answers as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.sources.base import Table

if TYPE_CHECKING:
    import numpy as np


def meant(asked: Sequence[str]) -> frozenset[str]:
    """All names of columns that `asked` may mean: each as it stands, and its parts between commas."""
    return frozenset(name for text in asked for name in (text, *_parts(text)))


def kept_columns(asked: Sequence[str], table: Table) -> tuple[str, ...]:
    """The columns that are meant, each once; a name may itself hold a comma.

    Raises:
        Problem: E602, there is no such column; E524, one has arrays.
    """
    names = dict.fromkeys(name for text in asked for name in ([text] if text in table.columns else _parts(text)))
    for name in names:
        column = table.columns[name] if name in table.columns else table.find(name, "")
        if column.tensor.shape:
            message = f"column `{name}` has an array for each example, which cannot stand beside the answers"
            raise Problem("E524", message, "keep columns of single values, such as an id")
    return tuple(names)


def as_given(values: np.ndarray[Any, Any]) -> list[Any]:
    """Values as they are written: texts, whole numbers, numbers with all their digits; None for one that is missing."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    numbers = [float(str(value)) for value in values] if values.itemsize < 8 else values.tolist()
    return [number if number == number else None for number in numbers]


def _parts(asked: str) -> Iterator[str]:
    return (part.strip() for part in asked.split(",") if part.strip())
