"""Types of columns as they enter a model, and whether these fit what it takes."""

from __future__ import annotations

from collections.abc import Sequence

from dlspec.core.ir import Shape, Tensor
from dlspec.data.sources.base import TEXT, Column


def token_ids(value: str) -> list[int]:
    """The whole numbers of a text such as ``12 7 9``, between which stand blanks or commas.

    Raises:
        ValueError: Something in it is none.
    """
    return [int(token) for token in value.replace(",", " ").split()]


def replace_dtype(tensor: Tensor, dtype: str) -> Tensor:
    """`tensor` with another dtype."""
    return Tensor(tensor.shape, dtype)


def raw_tensor(columns: Sequence[Column], stacked: bool, exact: bool = False) -> Tensor:
    """Type of one example of a group of columns: float32 [n], text [] or [n], integers in their own dtype.

    Args:
        columns: The columns.
        stacked: Whether they form one axis.
        exact: Whether no number may be rounded: whole ones stay whole where they are stacked, and others float64, which
            holds whole numbers to 2⁵³; float32 would hold them to 2²⁴.
    """
    if stacked and all(column.text for column in columns):
        return Tensor((len(columns),), TEXT)
    if stacked:
        whole = all(is_whole(column.tensor.dtype) for column in columns)
        return Tensor((len(columns),), ("int64" if whole else "float64") if exact else "float32")
    return _single(columns[0].tensor, exact)


def _single(tensor: Tensor, exact: bool) -> Tensor:
    if tensor.dtype == TEXT:
        return tensor
    whole = is_whole(tensor.dtype) and tensor.dtype != "uint8"
    rounded = "float64" if exact and tensor.dtype == "float64" else "float32"
    return Tensor(tensor.shape or (1,), tensor.dtype if whole else rounded)


def is_whole(dtype: str) -> bool:
    """Whether a dtype holds whole numbers alone."""
    return dtype.startswith(("int", "uint"))


def fit_shape(have: Shape, want: Shape) -> Shape | None:
    """The shape that data of shape `have` take to enter `want`, or None."""
    for shape in (have, (*have, 1), have[:-1] if have[-1:] == (1,) else have):
        if len(shape) == len(want) and all(w is None or h is None or w == h for h, w in zip(shape, want, strict=True)):
            return shape
    return None
