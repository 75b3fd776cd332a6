"""Axis options: Keras counts the batch as axis 0, shapes here leave it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.registry import JSON, Field, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


def axes(*, default: int, doc: str, min: int | None = None) -> Field[Any]:
    """One axis or a list of axes, as Keras counts them; kept as written on instances."""
    item: JSON = {"type": "integer"} if min is None else {"type": "integer", "minimum": min}
    schema = {**item, "type": ["integer", "array"], "items": item, "minItems": 1, "maxItems": 8}
    return plain(schema, default=default, doc=doc)


def axis_index(axis: int, rank: int, who: str, option: str = "axis") -> int:
    """An axis as Keras counts it (batch is 0, -1 the last) as an index into a shape without batch.

    Raises:
        Problem: E402, the tensor has no such axis, or it is the batch.
    """
    index = axis + rank if axis < 0 else axis - 1
    if not 0 <= index < rank:
        has = "1 axis" if rank == 1 else f"{rank} axes"
        message = f"{who} has `{option}: {axis}`, but its input has {has} without the batch"
        allowed = (
            f"allowed: 1 to {rank}, or -1 to -{rank}" if rank else "give the input an axis, for example with `reshape`"
        )
        raise Problem("E402", message, allowed, option)
    return index


def axis_indices(written: int | Sequence[int], x: Tensor, who: str, option: str = "axis") -> tuple[int, ...]:
    """Several axes, in the order written, as indices into a shape without batch.

    Raises:
        Problem: E402, the tensor has no such axis, or one is named twice.
    """
    listed = [written] if isinstance(written, int) else written
    indices = tuple(axis_index(axis, x.rank, who, option) for axis in listed)
    if len(set(indices)) < len(indices):
        message = f"{who} names one axis twice in `{option}: {list(listed)}`, the input has shape {show_shape(x.shape)}"
        raise Problem("E402", message, "name each axis once", option)
    return indices
