"""Encodings of numbers as rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import Layer
from dlspec.components.registry import boolean, example, integer
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape


class PiecewiseLinearEncoding(Layer):
    """Spreads each number over bins between quantiles of the training data, so that a dense layer can follow curves."""

    keras = "dlspec.keras_layers.PiecewiseLinearEncoding"
    prepares = True
    shorthand = "bins"
    bins = integer(min=1, default=16, doc="Number of bins, and of elements, for each number.")
    include_input = boolean(default=False, doc="Whether the numbers themselves come first.")
    examples = (
        example("", (5,)),
        example("{bins: 4, include_input: true}", (3,)),
        example("8", (7, 2)),
    )

    @property
    def adapts(self) -> bool:
        """The quantiles are measured on the training data."""
        return True

    def infer(self, x: Tensor) -> Tensor:
        """[…, features] → […, features · bins], and `features` more with `include_input`."""
        if not x.floating:
            message = f"piecewise_linear_encoding takes floating-point numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "words and class numbers take `category_encoding` or `embedding`")
        if not x.rank:
            message = f"piecewise_linear_encoding takes features, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "put `reshape: [1]` before it")
        features = known(x, -1, self.name)
        return Tensor((*x.shape[:-1], features * (self.bins + self.include_input)), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The edges between the bins of each feature."""
        yield Weight("edges", (known(x, -1, self.name), self.bins + 1), trainable=False)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A difference and a quotient for each bin."""
        return 2 * self.bins * x.size
