"""Arrow columns as arrays: what the sources that read with pyarrow share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.data.sources.base import TEXT
from dlspec.ir import Tensor

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

# Taken for a value of text where sizes are estimated.
TEXT_BYTES = 128


def tensor_of(kind: pa.DataType, *, missing: bool = False) -> Tensor | None:
    """What one value of an Arrow type is, or None for a type that no model takes.

    Whole numbers are int64; float64 where some are `missing`, since these are NaN. Dates and times are the text that
    a CSV file would hold.
    """
    import pyarrow as pa

    if pa.types.is_fixed_size_list(kind):
        inner = tensor_of(kind.value_type, missing=missing)
        if inner is None or inner.dtype == TEXT:
            return None
        return Tensor((kind.list_size, *inner.shape), inner.dtype)
    if pa.types.is_dictionary(kind):
        return tensor_of(kind.value_type, missing=missing)
    if pa.types.is_boolean(kind):
        return Tensor((), "float64" if missing else "bool")
    if pa.types.is_integer(kind):
        return Tensor((), "float64" if missing else "int64")
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return Tensor((), "float32")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Tensor((), "float64")
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_temporal)
    return Tensor((), TEXT) if any(test(kind) for test in texts) else None


def to_array(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """A column as an array of shape [rows, *tensor.shape]; missing numbers are NaN, missing text is ""."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_fixed_size_list(column.type):
        return _lists(column, tensor)
    if tensor.dtype == TEXT:
        texts: Array = pc.fill_null(column.cast(pa.string()), "").to_numpy().astype(object, copy=False)
        return texts
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if str(column.type) != _ARROW.get(tensor.dtype):
        column = _cast(column, tensor.dtype)
    values: Array = column.to_numpy()
    return values.astype(np.dtype(tensor.dtype), copy=False)


_ARROW = {"float64": "double", "float32": "float", "int64": "int64", "bool": "bool"}


def _cast(column: pa.ChunkedArray, dtype: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_boolean(column.type) and dtype == "float64":
        column = column.cast(pa.int8())  # Arrow knows no way from truth to floating numbers
    return column.cast({"float64": pa.float64(), "float32": pa.float32(), "int64": pa.int64()}[dtype], safe=False)


def _lists(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """Lists of one length; a missing list is all NaN."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = len(column)
    whole = column.combine_chunks()
    present = np.asarray(pc.is_valid(whole))
    inner = to_array(pa.chunked_array([whole.flatten()]), Tensor(tensor.shape[1:], tensor.dtype))
    inner = inner.reshape(-1, *(axis or 0 for axis in tensor.shape))
    if present.all():
        return inner
    values: Array = np.full((rows, *inner.shape[1:]), np.nan, inner.dtype)
    values[present] = inner
    return values


def bytes_of(tensor: Tensor) -> int:
    """About how many bytes a value takes in memory."""
    return TEXT_BYTES if tensor.dtype == TEXT else tensor.bytes
