"""Convolutions that treat each channel on its own: depthwise and separable, in one and two spatial dimensions."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import (
    activation,
    activation_flops,
    constraint,
    data_format,
    initializer,
    regularizer,
)
from dlspec.components.layers.windows import SpatialLayer, check_equal_strides, check_positive, window_length
from dlspec.components.registry import boolean, choice, example, integer, sizes
from dlspec.core.ir import Tensor, Weight, volume


class _Depthwise(SpatialLayer, abstract=True):
    """Options and rules that the depthwise convolutions share."""

    kernel_size = sizes(doc="Size of the window, one number or one for each axis.")
    strides = sizes(default=1, doc="Step of the window, the same on every axis.")
    padding = choice("valid", "same", default="valid", doc="`same` pads so that stride 1 keeps the size.")
    depth_multiplier = integer(min=1, default=1, doc="Number of filters for each input channel.")
    data_format = data_format()
    dilation_rate = sizes(default=1, doc="Distance between the window's elements.")
    activation = activation()
    use_bias = boolean(default=True, doc="Whether to add a bias per output channel.")
    depthwise_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    depthwise_regularizer = regularizer("the kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    depthwise_constraint = constraint("the kernel")
    bias_constraint = constraint("the bias")

    def validate(self) -> None:
        """TensorFlow takes one stride for all axes."""
        check_equal_strides(self.name, self.strides, self.dilation_rate)

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*reduced, channels * depth_multiplier]."""
        spatial, _ = self.split(x)
        channels = self.channels(x) * self.depth_multiplier
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        reduced = [window_length(n, k, s, self.padding, d) for n, k, s, d in windows]
        check_positive(reduced, x, self.name, "kernel_size")
        return self.image(reduced, channels)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [*kernel_size, channels, depth_multiplier] and bias [channels * depth_multiplier]."""
        channels = self.channels(x)
        yield Weight("kernel", (*self.kernel_size, channels, self.depth_multiplier))
        if self.use_bias:
            yield Weight("bias", (channels * self.depth_multiplier,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A multiply-add for each window element of one channel; one addition per output for the bias."""
        per_output = 2 * volume(self.kernel_size) + self.use_bias
        return output.size * per_output + activation_flops(self.activation, output)


class DepthwiseConv1D(_Depthwise):
    """Slides learned filters over each channel of a sequence on its own."""

    keras = "keras.layers.DepthwiseConv1D"
    rank = 1
    examples = (example("{kernel_size: 3, depth_multiplier: 2}", (20, 4)),)


class DepthwiseConv2D(_Depthwise):
    """Slides learned filters over each channel of an image on its own."""

    keras = "keras.layers.DepthwiseConv2D"
    rank = 2
    examples = (
        example("{kernel_size: 3, strides: 2, padding: same, activation: relu6}", (28, 28, 8)),
        example("{kernel_size: [3, 5], depth_multiplier: 3, use_bias: false}", (None, 28, 2)),
    )


class _Separable(SpatialLayer, abstract=True):
    """Options and rules that the separable convolutions share."""

    filters = integer(min=1, doc="Number of output channels.")
    kernel_size = sizes(doc="Size of the window, one number or one for each axis.")
    strides = sizes(default=1, doc="Step of the window, the same on every axis.")
    padding = choice("valid", "same", default="valid", doc="`same` pads so that stride 1 keeps the size.")
    data_format = data_format()
    dilation_rate = sizes(default=1, doc="Distance between the window's elements.")
    depth_multiplier = integer(min=1, default=1, doc="Number of depthwise filters for each input channel.")
    activation = activation()
    use_bias = boolean(default=True, doc="Whether to add a bias per output channel.")
    depthwise_initializer = initializer("glorot_uniform", "the depthwise kernel")
    pointwise_initializer = initializer("glorot_uniform", "the pointwise kernel")
    bias_initializer = initializer("zeros", "the bias")
    depthwise_regularizer = regularizer("the depthwise kernel")
    pointwise_regularizer = regularizer("the pointwise kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    depthwise_constraint = constraint("the depthwise kernel")
    pointwise_constraint = constraint("the pointwise kernel")
    bias_constraint = constraint("the bias")

    def validate(self) -> None:
        """TensorFlow takes one stride for all axes."""
        check_equal_strides(self.name, self.strides, self.dilation_rate)

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*reduced, filters]."""
        spatial, _ = self.split(x)
        self.channels(x)
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        reduced = [window_length(n, k, s, self.padding, d) for n, k, s, d in windows]
        check_positive(reduced, x, self.name, "kernel_size")
        return self.image(reduced, self.filters)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Depthwise kernel, pointwise kernel [1…, channels * depth_multiplier, filters] and bias [filters]."""
        channels = self.channels(x)
        yield Weight("depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier))
        window = (1,) * self.rank
        yield Weight("pointwise_kernel", (*window, channels * self.depth_multiplier, self.filters))
        if self.use_bias:
            yield Weight("bias", (self.filters,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Per output position: a depthwise convolution of every channel, then a multiply-add per pointwise element."""
        middle = self.channels(x) * self.depth_multiplier
        per_position = 2 * middle * volume(self.kernel_size) + self.filters * (2 * middle + self.use_bias)
        return output.size // self.filters * per_position + activation_flops(self.activation, output)


class SeparableConv1D(_Separable):
    """A depthwise convolution over a sequence, followed by one that mixes the channels."""

    keras = "keras.layers.SeparableConv1D"
    rank = 1
    examples = (example("{filters: 8, kernel_size: 3, padding: same}", (None, 4)),)


class SeparableConv2D(_Separable):
    """A depthwise convolution over an image, followed by one that mixes the channels."""

    keras = "keras.layers.SeparableConv2D"
    rank = 2
    examples = (
        example("{filters: 16, kernel_size: 3, activation: relu}", (28, 28, 3)),
        example("{filters: 6, kernel_size: [3, 5], strides: 2, depth_multiplier: 2, use_bias: false}", (28, None, 3)),
    )
