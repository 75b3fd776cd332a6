"""Classes in an order."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import Layer
from dlspec.components.registry import example, integer
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, show_shape


class Ordinal(Layer):
    """Gives probabilities of classes in an order, from one number for each example; learns where they meet.

    Source: McCullagh 1980, "Regression Models for Ordinal Data", section 2 (proportional odds). The last layer of a
    model of ordered classes, behind `dense: 1`; its loss is `sparse_categorical_crossentropy`.
    """

    keras = "dlspec.keras_layers.Ordinal"
    masking = "pass"
    shorthand = "classes"
    applies = "softmax"
    ordered = True
    classes = integer(min=2, doc="Number of classes, from the lowest to the highest.")
    examples = (example("5", (1,)), example("{classes: 2}", (7, 1)))

    def infer(self, x: Tensor) -> Tensor:
        """[…, 1] → […, classes]."""
        if not x.floating:
            message = f"{self.name} takes floating-point numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "put `dense: 1` before it")
        if not x.rank or x.shape[-1] != 1:
            message = f"{self.name} takes one number for each example, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "put `dense: 1` before it")
        return Tensor((*x.shape[:-1], self.classes), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The first threshold, and the steps from one to the next."""
        yield Weight("first", (1,))
        if self.classes > 2:
            yield Weight("steps", (self.classes - 2,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A distance and two sigmoids (4 each) for each threshold, and a difference for each class."""
        return 10 * output.size
