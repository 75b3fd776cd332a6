"""Rows of indices of any length, cut or filled up to the length that a model takes."""

from typing import Any

from keras import ops


def first_indices(values: Any, length: int, dtype: str) -> Any:
    """The first indices of each row, filled up with 0; shape [rows, length]."""
    if values.shape[-1] is None or values.shape[-1] < length:
        values = ops.pad(values, [[0, 0], [0, length]])
    # Keras does not tell the length of a slice of an axis of unknown length.
    return ops.cast(ops.reshape(values[:, :length], (-1, length)), dtype)
