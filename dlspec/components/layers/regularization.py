"""Layers that make training harder so that a model generalises: dropout, noise, penalties."""

from __future__ import annotations

from typing import Any

from dlspec.components.layers.base import Layer, data_format, seed
from dlspec.components.layers.windows import SpatialLayer
from dlspec.components.registry import example, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class _Unchanged(Layer, abstract=True):
    """The output has the shape of the input; nothing happens outside training."""

    aid = "regularizer"
    masking = "pass"
    stepwise = "features"

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        return Tensor(x.shape, self.compute_dtype)


class _NoiseShape(_Unchanged, abstract=True):
    """Dropout whose random mask may be shared along axes."""

    shorthand = "rate"
    rate = number(min=0, max=1, doc="Share of the elements to drop.")
    noise_shape = optional(
        plain({"type": "array", "items": {"type": ["integer", "null"], "minimum": 1}}),
        doc="Shape of the random mask, batch first: 1 shares it along an axis, null takes the input's size.",
    )
    seed = seed()

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        noise: list[int | None] | None = self.noise_shape
        if noise is not None and not _fits(noise, x):
            shapes = f"{show_shape(tuple(noise))}, which does not fit {show_shape((None, *x.shape))}"
            message = f"{self.name} has `noise_shape` {shapes}"
            raise Problem(
                "E402", message, "one entry per axis, batch first: 1, null, or the axis's size", "noise_shape"
            )
        return super().infer(x)


def _fits(noise: list[int | None], x: Tensor) -> bool:
    shape = (None, *x.shape)
    if len(noise) != len(shape):
        return False
    return all(given in (1, None, size) or size is None for given, size in zip(noise, shape, strict=True))


class Dropout(_NoiseShape):
    """Sets a random share of the inputs to zero during training and scales up the others."""

    keras = "keras.layers.Dropout"
    moves = True
    keeps_range = True
    examples = (example("0.3", (64,)), example("{rate: 0.5, noise_shape: [null, 1, null], seed: 3}", (10, 8)))


class AlphaDropout(_NoiseShape):
    """Dropout that keeps mean and variance, made for networks of `selu` units."""

    keras = "keras.layers.AlphaDropout"
    rate = number(min=0, below=1, doc="Share of the elements to drop.")
    examples = (example("0.1", (64,)),)


class _SpatialDropout(SpatialLayer, abstract=True):
    """Rules that the spatial dropouts share."""

    aid = "regularizer"
    shorthand = "rate"
    masking = "pass"
    stepwise = "features"
    trainable: Any = True  # Keras's constructor takes no `trainable` here, and there is nothing to train
    rate = number(min=0, max=1, doc="Share of the channels to drop.")

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        self.split(x)
        return Tensor(x.shape, self.compute_dtype)


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of a sequence during training."""

    keras = "keras.layers.SpatialDropout1D"
    rank = 1
    seed = seed()
    examples = (example("0.2", (None, 8)),)


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of an image during training."""

    keras = "keras.layers.SpatialDropout2D"
    rank = 2
    data_format = data_format()
    seed = seed()
    examples = (example("0.2", (28, 28, 8)),)


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of a volume during training."""

    keras = "keras.layers.SpatialDropout3D"
    rank = 3
    data_format = data_format()
    seed = seed()
    examples = (example("0.2", (4, 5, 6, 8)),)


class GaussianDropout(_Unchanged):
    """Multiplies by noise around 1 during training."""

    keras = "keras.layers.GaussianDropout"
    shorthand = "rate"
    rate = number(min=0, below=1, doc="The noise has the standard deviation `sqrt(rate / (1 - rate))`.")
    seed = seed()
    examples = (example("0.3", (64,)),)


class GaussianNoise(_Unchanged):
    """Adds noise around 0 during training."""

    keras = "keras.layers.GaussianNoise"
    augments = True
    shorthand = "stddev"
    stddev = number(min=0, max=1, doc="Standard deviation of the noise.")
    seed = seed()
    examples = (example("0.1", (64,)),)


class ActivityRegularization(_Unchanged):
    """Leaves the input as it is and adds a penalty on its size to the loss."""

    keras = "keras.layers.ActivityRegularization"
    aid = "penalty"
    l1 = number(min=0, default=0.0, doc="Weight of the sum of absolute values.")
    l2 = number(min=0, default=0.0, doc="Weight of the sum of squares.")
    examples = (example("{l2: 0.01}", (64,)),)
    adds_loss = True
