"""Activations as layers of their own."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.axes import axes, axis_indices
from dlspec.components.layers.base import (
    ACTIVATION,
    Layer,
    Stepwise,
    activation_flops,
    constraint,
    initializer,
    regularizer,
)
from dlspec.components.registry import component, example, number, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape


class _Pointwise(Layer, abstract=True):
    """One function applied to every element."""

    is_activation = True
    masking = "pass"
    stepwise = "features"

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        return Tensor(x.shape, self.compute_dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per element."""
        return output.size


class Activation(_Pointwise):
    """Applies an activation function."""

    keras = "keras.layers.Activation"
    shorthand = "activation"
    activation = component(ACTIVATION, doc="The function, for example `relu` or `softmax`; null for none.")
    activation.nullable = True
    examples = (example("relu", (None, 8)), example("softmax", (10,)))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per element, none for `linear`."""
        return activation_flops(self.activation, output)


class ReLU(_Pointwise):
    """Sets negative elements to zero."""

    keras = "keras.layers.ReLU"
    max_value = optional(number(min=0), doc="Largest output; no limit unless given.")
    negative_slope = number(min=0, default=0.0, doc="Slope below the threshold.")
    threshold = number(min=0, default=0.0, doc="Where the function starts to rise.")
    examples = (example("", (8, 8, 3)), example("{max_value: 6, negative_slope: 0.1}", (None, 8)))


class LeakyReLU(_Pointwise):
    """Scales negative elements down instead of dropping them."""

    keras = "keras.layers.LeakyReLU"
    shorthand = "negative_slope"
    negative_slope = number(min=0, default=0.3, doc="Slope for negative elements.")
    examples = (example("0.2", (64,)),)


class PReLU(_Pointwise):
    """Scales negative elements by a learned factor."""

    keras = "keras.layers.PReLU"
    alpha_initializer = initializer("zeros", "the factors")
    alpha_regularizer = regularizer("the factors")
    alpha_constraint = constraint("the factors")
    shared_axes = optional(
        axes(min=1, default=1, doc="Axes along which the factors are shared; the batch counts as 0.")
    )
    examples = (example("", (8, 3)), example("{shared_axes: [1, 2]}", (None, None, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input; axes that are not shared must have a known size."""
        for _ in self.weights(x):
            pass
        return super().infer(x)

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """Step by step where all steps share their factors."""
        return self.stepwise if 0 in axis_indices(self.shared_axes or [], x, self.name, "shared_axes") else ""

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """One factor per element, or one for a whole shared axis."""
        shared = axis_indices(self.shared_axes or [], x, self.name, "shared_axes")
        shape = tuple(1 if axis in shared else known(x, axis, self.name) for axis in range(x.rank))
        yield Weight("alpha", shape)


class ELU(_Pointwise):
    """Lets negative elements approach a limit exponentially."""

    keras = "keras.layers.ELU"
    shorthand = "alpha"
    alpha = number(default=1.0, doc="The limit is `-alpha`.")
    examples = (example("", (64,)), example("0.5", (None, 4)))


class Softmax(_Pointwise):
    """Turns scores into shares that add up to 1."""

    keras = "keras.layers.Softmax"
    applies = "softmax"
    axis = axes(default=-1, doc="The axis, or axes, over which they add up to 1; the batch counts as 0.")
    examples = (example("", (10,)), example("{axis: [1, 2]}", (7, 7, 3)))

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """Step by step unless the shares of several steps add up to 1."""
        return "" if 0 in axis_indices(self.axis, x, self.name) else self.stepwise

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        axis_indices(self.axis, x, self.name)
        if x.masked:
            # Keras wants a mask of the input's own shape here, and all that layers make have an axis less.
            message = (
                f"softmax cannot use the mask of its input of shape {show_shape(x.shape)}: it has no axis of features"
            )
            raise Problem("E402", message, "`activation: softmax` leaves the mask alone and passes it on")
        return super().infer(x)
