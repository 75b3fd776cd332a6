"""Activation functions."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from dlspec.components.registry import Component, Example, example, load_attribute, number, optional
from dlspec.core.errors import Problem


class Activation(Component, abstract=True):
    """Base of the activation functions; Keras knows them as functions, not classes.

    Class attributes:
        layer: Dotted path of the Keras layer that stands for the function once it has options: Keras accepts it as an
            ``activation`` and, unlike a function with bound arguments, saves it.
        signed: Whether its values lie between −1 and 1, so that 0 divides no from yes.
        reaches: The least and the largest value that it gives without options; None where there is no end.
        identity: Whether it changes nothing.
        probabilities: Whether its values are probabilities: of each unit by itself (``each``), or of exclusive classes
            that add up to 1 (``classes``); "" where they are none.
        logistic: Whether what enters is the logarithm of the odds of these: it is sigmoid or softmax.
    """

    kind = "activation"
    plain_name = True
    layer: ClassVar[str] = ""
    signed: ClassVar[bool] = False
    reaches: ClassVar[tuple[float | None, float | None]] = (None, None)
    identity: ClassVar[bool] = False
    probabilities: ClassVar[Literal["", "each", "classes"]] = ""
    logistic: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (example(""),)

    @classmethod
    def constructor(cls) -> str:
        """The layer: the function itself takes no options."""
        return cls.layer

    def make(self, **extra: Any) -> Any:
        """The Keras function itself, or the equal layer where options are given."""
        if not self.given:
            return load_attribute(self.keras)
        return load_attribute(self.layer)(**self.keras_arguments(), **extra)


class Celu(Activation):
    """max(x, 0) + min(exp(x) − 1, 0)."""

    keras = "keras.activations.celu"


class Elu(Activation):
    """x where positive, alpha · (exp(x) − 1) elsewhere."""

    keras = "keras.activations.elu"
    layer = "keras.layers.ELU"
    shorthand = "alpha"
    alpha = number(above=0, default=1.0, doc="Minus the limit for very negative inputs.")
    examples = (example(""), example("0.5"))


class Exponential(Activation):
    """exp(x)."""

    keras = "keras.activations.exponential"
    reaches = (0, None)


class Gelu(Activation):
    """x · Φ(x), where Φ is the normal distribution function (exactly, not its tanh approximation)."""

    keras = "keras.activations.gelu"


class HardShrink(Activation):
    """x where its absolute value is above 0.5, zero elsewhere."""

    keras = "keras.activations.hard_shrink"


class HardSigmoid(Activation):
    """Piecewise linear approximation of the sigmoid: x / 6 + 0.5, cut to [0, 1]."""

    keras = "keras.activations.hard_sigmoid"
    reaches = (0, 1)


class HardSilu(Activation):
    """x · hard_sigmoid(x)."""

    keras = "keras.activations.hard_silu"
    aliases = ("hard_swish",)


class HardTanh(Activation):
    """x cut to [−1, 1]."""

    keras = "keras.activations.hard_tanh"
    reaches = (-1, 1)
    signed = True


class LeakyRelu(Activation):
    """x where positive, negative_slope · x elsewhere."""

    keras = "keras.activations.leaky_relu"
    layer = "keras.layers.LeakyReLU"
    shorthand = "negative_slope"
    negative_slope = number(min=0, default=0.2, doc="Slope for negative inputs.")
    examples = (example(""), example("0.1"))


class Linear(Activation):
    """x unchanged."""

    keras = "keras.activations.linear"
    identity = True


class LogSigmoid(Activation):
    """log(sigmoid(x))."""

    keras = "keras.activations.log_sigmoid"
    reaches = (None, 0)


class LogSoftmax(Activation):
    """log(softmax(x)) over the last axis."""

    keras = "keras.activations.log_softmax"
    reaches = (None, 0)


class Mish(Activation):
    """x · tanh(softplus(x))."""

    keras = "keras.activations.mish"


class Relu(Activation):
    """max(x, 0)."""

    keras = "keras.activations.relu"
    layer = "keras.layers.ReLU"
    reaches = (0, None)
    negative_slope = number(min=0, default=0.0, doc="Slope below the threshold.")
    max_value = optional(number(above=0), doc="Largest output; none unless given.")
    threshold = number(min=0, default=0.0, doc="Inputs below it are damped.")
    examples = (example(""), example("{max_value: 6}"), example("{negative_slope: 0.1, threshold: 0.5}"))

    def validate(self) -> None:
        """The threshold lies below the largest output."""
        if self.max_value is not None and self.max_value <= self.threshold:
            message = f"`max_value` of relu must be above its `threshold` {self.threshold:g}, not {self.max_value:g}"
            raise Problem("E207", message, option="max_value")


class Relu6(Activation):
    """x cut to [0, 6]."""

    keras = "keras.activations.relu6"
    reaches = (0, 6)


class Selu(Activation):
    """Scaled elu whose outputs keep zero mean and unit variance; goes with `lecun_normal` and `alpha_dropout`."""

    keras = "keras.activations.selu"


class Sigmoid(Activation):
    """1 / (1 + exp(−x))."""

    keras = "keras.activations.sigmoid"
    logistic = True
    reaches = (0, 1)
    probabilities = "each"


class Silu(Activation):
    """x · sigmoid(x)."""

    keras = "keras.activations.silu"
    aliases = ("swish",)


class SoftShrink(Activation):
    """x moved towards zero by 0.5, and zero where its absolute value is below that."""

    keras = "keras.activations.soft_shrink"


class Softmax(Activation):
    """exp(x), divided by its sum over the last axis: probabilities of exclusive classes."""

    keras = "keras.activations.softmax"
    logistic = True
    reaches = (0, 1)
    probabilities = "classes"


class Softplus(Activation):
    """log(exp(x) + 1)."""

    keras = "keras.activations.softplus"
    reaches = (0, None)


class Softsign(Activation):
    """x / (|x| + 1)."""

    keras = "keras.activations.softsign"
    reaches = (-1, 1)
    signed = True


class SparsePlus(Activation):
    """Softplus made of pieces: zero below −1, (x + 1)² / 4 between, x above 1."""

    keras = "keras.activations.sparse_plus"
    reaches = (0, None)


class SparseSigmoid(Activation):
    """Sigmoid made of pieces: zero below −1, (x + 1) / 2 between, one above 1."""

    keras = "keras.activations.sparse_sigmoid"
    reaches = (0, 1)


class Sparsemax(Activation):
    """Probabilities over the last axis of which many are exactly zero."""

    keras = "keras.activations.sparsemax"
    reaches = (0, 1)


class Squareplus(Activation):
    """(x + √(x² + 4)) / 2."""

    keras = "keras.activations.squareplus"
    reaches = (0, None)


class Tanh(Activation):
    """Hyperbolic tangent."""

    keras = "keras.activations.tanh"
    reaches = (-1, 1)
    signed = True


class TanhShrink(Activation):
    """x − tanh(x)."""

    keras = "keras.activations.tanh_shrink"
