"""Rows of several sources beside each other."""

from typing import Any

import numpy as np


def size(columns: dict[str, np.ndarray]) -> int:
    """How many rows some columns have."""
    return len(next(iter(columns.values())))


def holding(part: Any, name: str) -> dict[str, np.ndarray]:
    """The inputs of a part, of whichever source, among which one of that name is."""
    return next(inputs for inputs in (part.inputs, *part.others) if name in inputs)
