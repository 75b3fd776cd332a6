"""Dense layers, embeddings and plain activations."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.ir import Tensor, Weight, known
from dlspec.layers.base import Layer, activation, activation_flops, constraint, initializer, regularizer
from dlspec.registry import boolean, example, integer


class Dense(Layer):
    """Multiplies the last axis with a learned matrix, adds a bias and applies an activation."""

    keras = "keras.layers.Dense"
    shorthand = "units"
    masking = "pass"
    units = integer(min=1, doc="Size of the output's last axis.")
    activation = activation()
    use_bias = boolean(default=True, doc="Whether to add a bias.")
    kernel_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the kernel")
    bias_constraint = constraint("the bias")
    examples = (example("10", (64,)), example("{units: 8, activation: relu, use_bias: false}", (7, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """[…, features] → […, units]."""
        known(x, -1, self.name)
        return Tensor((*x.shape[:-1], self.units), x.dtype if x.floating else "float32")

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [features, units] and bias [units]."""
        yield Weight("kernel", (known(x, -1, self.name), self.units))
        if self.use_bias:
            yield Weight("bias", (self.units,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One multiply-add per kernel element for each position; one addition per output for the bias."""
        per_output = 2 * known(x, -1, self.name) + self.use_bias
        return output.size * per_output + activation_flops(self.activation, output)
