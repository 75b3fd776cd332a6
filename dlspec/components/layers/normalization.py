"""Normalization of activations: over the batch, over features, over groups of channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from dlspec.components.layers.axes import axes, axis_index, axis_indices
from dlspec.components.layers.base import Layer, Stepwise, constraint, initializer, inner_weights, regularizer
from dlspec.components.registry import boolean, component, example, integer, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape

_CLIPPING = {
    "type": "object",
    "properties": {key: {"type": "number", "minimum": 0} for key in ("rmin", "rmax", "dmax")},
    "additionalProperties": False,
}


class _Normalization(Layer, abstract=True):
    """Shape and cost rules that the normalizations share."""

    aid = "normalization"
    normalizes: ClassVar[bool] = True
    masking: ClassVar[Literal["pass", "drop"]] = "pass"

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        for _ in self.weights(x):
            pass
        return Tensor(x.shape, self.compute_dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Eight per element: mean 1, variance 2, normalization 3, factor and offset 2."""
        return 8 * output.size

    def over_steps(self, x: Tensor) -> bool:
        """Whether it measures over steps without looking at their mask."""
        return False

    def padding_counts(self, x: Tensor) -> str:
        """Some pass a mask on that they do not look at."""
        if x.masked and self.over_steps(x):
            return f"is not looked at here: {self.name} measures over all steps"
        return super().padding_counts(x)

    def without_padding(self) -> str:
        """One step at a time."""
        return "`layer_normalization` over the last axis looks at each step by itself"


class BatchNormalization(_Normalization):
    """Keeps each feature near mean 0 and standard deviation 1, measured over the batch."""

    keras = "keras.layers.BatchNormalization"
    axis = integer(default=-1, doc="The axis of the features; it counts the batch as 0.")
    momentum = number(min=0, max=1, default=0.99, doc="How slowly the moving mean and variance change.")
    epsilon = number(min=0, default=0.001, doc="Added to the variance against division by zero.")
    center = boolean(default=True, doc="Whether to add a learned offset, `beta`.")
    scale = boolean(default=True, doc="Whether to multiply by a learned factor, `gamma`.")
    beta_initializer = initializer("zeros", "the offset")
    gamma_initializer = initializer("ones", "the factor")
    moving_mean_initializer = initializer("zeros", "the moving mean")
    moving_variance_initializer = initializer("ones", "the moving variance")
    beta_regularizer = regularizer("the offset")
    gamma_regularizer = regularizer("the factor")
    beta_constraint = constraint("the offset")
    gamma_constraint = constraint("the factor")
    renorm = boolean(default=False, doc="Whether to correct the batch's statistics by the moving ones in training.")
    renorm_clipping = optional(plain(_CLIPPING), doc="Limits `rmin`, `rmax` and `dmax` of that correction.")
    renorm_momentum = number(min=0, max=1, default=0.99, doc="How slowly the statistics of `renorm` change.")
    synchronized = boolean(default=False, doc="Whether to measure over the batches of all devices together.")
    examples = (
        example("", (28, 28, 8)),
        example("{axis: 1, scale: false, momentum: 0.9}", (3, None)),
        example("{renorm: true, renorm_clipping: {rmin: 0.3, rmax: 3, dmax: 5}}", (64,)),
    )

    def validate(self) -> None:
        """The limits of `renorm` are in order, and given only with it."""
        limits: dict[str, Any] = self.renorm_clipping or {}
        if limits and not self.renorm:
            message = "batch_normalization has `renorm_clipping` without `renorm`"
            raise Problem("E207", message, "add `renorm: true`, or leave it out", "renorm_clipping")
        if limits.get("rmax", float("inf")) < limits.get("rmin", 0):
            message = f"batch_normalization has `rmax` {limits['rmax']} below `rmin` {limits['rmin']}"
            raise Problem("E207", message, "swap them", "renorm_clipping")

    @property
    def over_batch(self) -> bool:
        """Unless the devices add up what they measure."""
        return not self.synchronized

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """In use each element is scaled by what its feature had in training, unless features are steps."""
        return "features" if axis_index(self.axis, x.rank, self.name) else ""

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Factor, offset, moving mean and variance [features]; three more with `renorm`."""
        shape = (known(x, axis_index(self.axis, x.rank, self.name), self.name),)
        if self.scale:
            yield Weight("gamma", shape)
        if self.center:
            yield Weight("beta", shape)
        frozen = ["moving_mean", "moving_variance"]
        frozen += ["moving_stddev", "renorm_mean", "renorm_stddev"] if self.renorm else []
        yield from (Weight(name, shape, trainable=False) for name in frozen)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Two operations per element: in use, the statistics are constants and fold into one factor and one offset."""
        return 2 * output.size


class LayerNormalization(_Normalization):
    """Brings each example to mean 0 and standard deviation 1 over its features."""

    keras = "keras.layers.LayerNormalization"
    axis = axes(default=-1, doc="The axis, or axes, to normalize over; the batch counts as 0.")
    epsilon = number(min=0, default=0.001, doc="Added to the variance against division by zero.")
    center = boolean(default=True, doc="Whether to add a learned offset, `beta`.")
    scale = boolean(default=True, doc="Whether to multiply by a learned factor, `gamma`.")
    beta_initializer = initializer("zeros", "the offset")
    gamma_initializer = initializer("ones", "the factor")
    beta_regularizer = regularizer("the offset")
    gamma_regularizer = regularizer("the factor")
    beta_constraint = constraint("the offset")
    gamma_constraint = constraint("the factor")
    examples = (example("", (None, 64)), example("{axis: [1, 2], center: false, epsilon: 1e-6}", (7, 5, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        _in_order(self.axis, x, self.name)
        return super().infer(x)

    def over_steps(self, x: Tensor) -> bool:
        """Whether it normalizes over an axis other than that of the features."""
        return _beside_features(self.axis, x, self.name)

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """Each step by itself where it is none of the axes."""
        return "" if 0 in _in_order(self.axis, x, self.name) else "features"

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Factor and offset over the normalized axes."""
        if self.scale:
            yield Weight("gamma", _sorted_sizes(self.axis, x, self.name))
        if self.center:
            yield Weight("beta", _sorted_sizes(self.axis, x, self.name))


class GroupNormalization(_Normalization):
    """Brings groups of channels to mean 0 and standard deviation 1, example by example."""

    keras = "keras.layers.GroupNormalization"
    shorthand = "groups"
    groups = integer(min=-1, default=32, doc="Number of groups; -1 makes every channel a group.")
    axis = integer(default=-1, doc="The axis of the channels; it counts the batch as 0.")
    epsilon = number(min=0, default=0.001, doc="Added to the variance against division by zero.")
    center = boolean(default=True, doc="Whether to add a learned offset, `beta`.")
    scale = boolean(default=True, doc="Whether to multiply by a learned factor, `gamma`.")
    beta_initializer = initializer("zeros", "the offset")
    gamma_initializer = initializer("ones", "the factor")
    beta_regularizer = regularizer("the offset")
    gamma_regularizer = regularizer("the factor")
    beta_constraint = constraint("the offset")
    gamma_constraint = constraint("the factor")
    examples = (example("", (8, 8, 64)), example("{groups: 2, axis: 1}", (6, None)), example("-1", (None, 8)))

    def over_steps(self, x: Tensor) -> bool:
        """Every axis but that of the channels is measured over."""
        return True

    def validate(self) -> None:
        """Checks that the number of groups is not 0."""
        if self.groups == 0:
            message = "group_normalization has `groups: 0`"
            raise Problem("E207", message, "give a number from 1 on, or -1 for one group per channel", "groups")

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Factor and offset [channels]."""
        channels = known(x, axis_index(self.axis, x.rank, self.name), self.name)
        if self.groups > 0 and channels % self.groups:
            message = f"group_normalization has `groups: {self.groups}`, but the input has {channels} channels"
            raise Problem("E402", message, "groups must divide the channels of the input", "groups")
        if self.scale:
            yield Weight("gamma", (channels,))
        if self.center:
            yield Weight("beta", (channels,))


class RMSNormalization(_Normalization):
    """Divides by the root mean square of the features and multiplies by a learned factor."""

    keras = "keras.layers.RMSNormalization"
    masking = "drop"
    axis = axes(default=-1, doc="The axis, or axes, to normalize over; the batch counts as 0.")
    epsilon = number(min=0, default=1e-6, doc="Added to the mean square against division by zero.")
    examples = (example("", (None, 64)),)

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """Each step by itself where it is none of the axes."""
        return "" if 0 in _in_order(self.axis, x, self.name) else "features"

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """A factor over the normalized axes."""
        yield Weight("scale", _sorted_sizes(self.axis, x, self.name))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Per element: square, mean, division and scale."""
        return 4 * output.size


class UnitNormalization(_Normalization):
    """Divides by the length, so that the features form a vector of length 1."""

    keras = "keras.layers.UnitNormalization"
    axis = axes(default=-1, doc="The axis, or axes, to normalize over; the batch counts as 0.")
    examples = (example("", (64,)), example("{axis: [1, 2]}", (None, 5, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        axis_indices(self.axis, x, self.name)
        return super().infer(x)

    def over_steps(self, x: Tensor) -> bool:
        """Whether it normalizes over an axis other than that of the features."""
        return _beside_features(self.axis, x, self.name)

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """Each step by itself where it is none of the axes."""
        return "" if 0 in _in_order(self.axis, x, self.name) else "features"

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Per element: square, sum and division."""
        return 3 * output.size


class SpectralNormalization(Layer):
    """Wraps a layer and divides its kernel by the kernel's largest singular value."""

    keras = "keras.layers.SpectralNormalization"
    layer = component("layer", doc="The layer, one with a kernel such as `conv2d`, `dense` or `embedding`.")
    power_iterations = integer(min=1, default=1, doc="Steps of the power method in each call.")
    examples = (
        example("{layer: {dense: 10}}", (64,)),
        example("{layer: {conv2d: {filters: 4, kernel_size: 3, use_bias: false}}}", (28, 28, 1)),
    )

    def infer(self, x: Tensor) -> Tensor:
        """Output of the wrapped layer."""
        self._split(x)
        output: Tensor = self.layer.infer(x)
        return Tensor(output.shape, self.compute_dtype)

    def _split(self, x: Tensor) -> tuple[Weight, list[Weight]]:
        weights = inner_weights(self.layer, "", x)
        for weight in weights:
            if weight.name in ("kernel", "embeddings"):
                return weight, [other for other in weights if other is not weight]
        message = f"spectral_normalization wraps a layer with a kernel, not `{self.layer.name}`"
        raise Problem("E207", message, "wrap a `conv2d`, `dense` or `embedding`", "layer")

    def mask(self, x: Tensor) -> bool:
        """Whether the wrapped layer passes the mask on, although Keras warns that the mask ends."""
        return bool(self.layer.mask(x))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The wrapped layer's kernel, the vector of the power method, then the wrapped layer's other weights."""
        kernel, others = self._split(x)
        yield kernel
        yield Weight("vector_u", (1, kernel.shape[-1]), trainable=False)
        yield from others

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations of the wrapped layer; in use, the kernel is a constant."""
        count: int = self.layer.flops(output, x)
        return count


def _beside_features(written: int | Sequence[int], x: Tensor, who: str) -> bool:
    return any(axis < x.rank - 1 for axis in _in_order(written, x, who))


def _in_order(written: int | Sequence[int], x: Tensor, who: str) -> tuple[int, ...]:
    # Keras sorts the axes as they are written, negative ones first.
    if x.rank == 0:
        raise Problem("E402", f"{who} needs an axis, but the input has shape {show_shape(x.shape)}")
    return axis_indices([written] if isinstance(written, int) else sorted(written), x, who)


def _sorted_sizes(written: int | Sequence[int], x: Tensor, who: str) -> tuple[int, ...]:
    return tuple(known(x, axis, who) for axis in _in_order(written, x, who))
