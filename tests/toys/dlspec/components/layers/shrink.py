"""A layer with a loss of its own."""

from __future__ import annotations

from dlspec.components.layers.base import Layer
from dlspec.components.registry import example, number
from dlspec.core.ir import Tensor


class Shrink(Layer):
    """Leaves the input as it is and adds its mean square to the loss."""

    keras = "dlspec.keras_layers.Shrink"
    shorthand = "factor"
    factor = number(min=0, default=0.1, doc="Factor of the mean square in the loss.")
    examples = (example("", (4,)), example("0.5", (None, 3)))
    adds_loss = True
    masking = "pass"

    def infer(self, x: Tensor) -> Tensor:
        """The same as the input."""
        return x
