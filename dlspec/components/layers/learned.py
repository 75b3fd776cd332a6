"""Learned tensors that belong to no other layer."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import Layer, constraint, initializer, regularizer
from dlspec.components.registry import example, integers
from dlspec.core.ir import Tensor
from dlspec.core.ir import Weight as Variable


class Weight(Layer):
    """Gives a learned tensor, the same for each example.

    It takes nothing from the layers before it: without ``from``, the first input of the model tells how many examples
    there are.

    Source: `add_weight` of Keras's own layers.
    """

    keras = "dlspec.keras_layers.weight.Weight"
    shorthand = "shape"
    arguments = ("inputs?",)
    takes_batch = True
    shape = integers(min=1, doc="Its shape without the batch; `[]` is a single number.")
    initializer = initializer("glorot_uniform", "the tensor")
    regularizer = regularizer("the tensor")
    constraint = constraint("the tensor")
    examples = (
        example("{shape: [1, 192], initializer: zeros}", (224, 224, 3)),
        example("[4]", (7,), dtype="int32"),
        example("{shape: [], initializer: ones, trainable: false}", (7,)),
    )

    def infer(self, inputs: Tensor) -> Tensor:
        """A tensor of the option `shape`; the input gives the batch alone."""
        return Tensor(self.shape, self.compute_dtype)

    def weights(self, inputs: Tensor) -> Iterable[Variable]:
        """The learned tensor itself."""
        yield Variable("value", self.shape)
