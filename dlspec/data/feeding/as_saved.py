"""Raw examples in the form in which a saved model takes them."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape
from dlspec.data.binding.inputs import Input
from dlspec.data.sources.base import TEXT


def as_saved(input_: Input, values: Any, wanted: Tensor | None) -> Any:
    """`values` in the dtype of the saved model's input.

    Raises:
        Problem: E605, the model takes other shapes, or text where numbers are.
    """
    if wanted is None:
        return values
    have = values.shape[1:]
    fits = len(have) == wanted.rank and all(w in (None, h) for w, h in zip(wanted.shape, have, strict=True))
    if not fits:
        message = f"input `{input_.name}` of the saved model has shape {show_shape(wanted.shape)}"
        raise Problem("E605", f"{message}, these data give {show_shape(have)}")
    if (wanted.dtype == TEXT) != (values.dtype == object):
        have_kind, want_kind = ("text", "numbers") if values.dtype == object else ("numbers", "text")
        if want_kind == "numbers":
            raise Problem(
                "E603", f"input `{input_.name}` of the saved model takes {want_kind}, these data give {have_kind}"
            )
        return values.astype(str).astype(object)
    if wanted.dtype.startswith(("int", "uint")) and values.dtype.kind == "f" and (values % 1 != 0).any():
        value = values[values % 1 != 0][0]
        raise Problem(
            "E603", f"input `{input_.name}` takes whole numbers, as the training had, these data give {value:g}"
        )
    return values if wanted.dtype == TEXT or values.dtype.name == "uint8" else values.astype(wanted.dtype)
