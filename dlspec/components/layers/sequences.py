"""Rows of indices with marks of their start and end."""

from __future__ import annotations

from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import example, integer, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class MarkedSequence(Layer):
    """Puts marks around rows of indices and cuts or fills them, with 0, to one length."""

    keras = "dlspec.keras_layers.MarkedSequence"
    shorthand = "length"
    prepares = True
    trainable: Any = True  # nothing to train
    dtype: Any = None  # indices stay indices
    length = optional(
        integer(min=1),
        doc="Indices of a row that comes out, marks included; if not given those that enter, and marks.",
    )
    start = optional(integer(min=1), doc="The index that is put before each row.")
    end = optional(integer(min=1), doc="The index that is put behind each row; rows that are cut have none.")
    reserved = integer(
        min=0, default=0, doc="So many indices from 2 on are kept free for marks: what enters moves up by as many."
    )
    examples = (
        example("{length: 7, start: 2, end: 3, reserved: 2}", (5,), dtype="int64"),
        example("{length: 4, start: 11}", (None,), dtype="int64"),
        example("{end: 11}", (5,), dtype="int64"),
    )

    def infer(self, x: Tensor) -> Tensor:
        """[steps] → [length], or where that is not given [steps and marks]."""
        if not x.dtype.startswith(("int", "uint")):
            message = f"{self.name} takes indices, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "prepare texts with `text_vectorization` before it")
        if x.rank != 1:
            message = f"{self.name} takes one row of indices, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message)
        marks = (self.start is not None) + (self.end is not None)
        steps = x.shape[0]
        return Tensor((self.length or (None if steps is None else steps + marks),), x.dtype)
