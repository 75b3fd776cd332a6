"""Convolutions, plain and transposed, in one to three spatial dimensions."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import (
    Stepwise,
    activation,
    activation_flops,
    constraint,
    data_format,
    initializer,
    regularizer,
)
from dlspec.components.layers.windows import (
    SpatialLayer,
    check_dilation,
    check_positive,
    transposed_length,
    window_length,
)
from dlspec.components.registry import boolean, choice, example, integer, optional, sizes
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, volume


class _Convolution(SpatialLayer, abstract=True):
    """Options and rules that the plain convolutions share."""

    unit_kernel = True
    filters = integer(min=1, doc="Number of output channels.")
    kernel_size = sizes(doc="Size of the window, one number or one for each axis.")
    strides = sizes(default=1, doc="Step of the window.")
    padding = choice("valid", "same", default="valid", doc="`same` pads so that stride 1 keeps the size.")
    data_format = data_format()
    dilation_rate = sizes(default=1, doc="Distance between the window's elements.")
    groups = integer(min=1, default=1, doc="Channels are split into so many groups, each with its own filters.")
    activation = activation()
    use_bias = boolean(default=True, doc="Whether to add a bias per output channel.")
    kernel_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the kernel")
    bias_constraint = constraint("the bias")

    @property
    def adaptable(self) -> tuple[str, ...]:
        """The kernel."""
        return ("kernel",)

    def validate(self) -> None:
        """Strides and dilation exclude each other; groups divide the filters."""
        check_dilation(self.name, self.strides, self.dilation_rate)
        if self.filters % self.groups:
            message = f"`filters` ({self.filters}) is no multiple of `groups` ({self.groups})"
            raise Problem("E207", message, "groups must divide the filters", option="groups")

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*reduced, filters]."""
        spatial, _ = self.split(x)
        channels = self.channels(x)
        if channels % self.groups:
            message = f"{self.name} has `groups: {self.groups}`, but the input has {channels} channels"
            raise Problem("E402", message, "groups must divide the channels of the input", "groups")
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        reduced = [window_length(n, k, s, self.padding, d) for n, k, s, d in windows]
        check_positive(reduced, x, self.name, "kernel_size")
        return self.image(reduced, self.filters)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [*kernel_size, channels / groups, filters] and bias [filters]."""
        channels = self.channels(x)
        yield Weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        if self.use_bias:
            yield Weight("bias", (self.filters,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A multiply-add for each kernel element at each output position; one addition per output for the bias."""
        channels = self.channels(x)
        per_output = 2 * volume(self.kernel_size) * (channels // self.groups)
        return output.size * (per_output + self.use_bias) + activation_flops(self.activation, output)


class Conv1D(_Convolution):
    """Slides learned filters over a sequence."""

    keras = "keras.layers.Conv1D"
    rank = 1
    padding = choice("valid", "same", "causal", default="valid", doc="`causal` looks at no later step.")
    examples = (
        example("{filters: 8, kernel_size: 3}", (20, 4)),
        example("{filters: 8, kernel_size: 3, padding: causal, dilation_rate: 2}", (None, 4)),
    )

    def stepwise_for(self, x: Tensor) -> Stepwise:
        """From the last steps, where it looks at no later one and leaves none out."""
        return "window" if self.padding == "causal" and self.strides == (1,) and not self.channels_first else ""


class Conv2D(_Convolution):
    """Slides learned filters over an image."""

    keras = "keras.layers.Conv2D"
    rank = 2
    examples = (
        example("{filters: 32, kernel_size: 3, activation: relu}", (28, 28, 1)),
        example("{filters: 64, kernel_size: [5, 3], strides: 2, padding: same, groups: 2}", (None, 17, 4)),
    )


class Conv3D(_Convolution):
    """Slides learned filters over a volume."""

    keras = "keras.layers.Conv3D"
    rank = 3
    examples = (example("{filters: 8, kernel_size: 3}", (8, 9, 10, 2)),)


class _Transposed(SpatialLayer, abstract=True):
    """Options and rules that the transposed convolutions share."""

    filters = integer(min=1, doc="Number of output channels.")
    kernel_size = sizes(doc="Size of the window, one number or one for each axis.")
    strides = sizes(default=1, doc="How much larger the output is than the input.")
    padding = choice("valid", "same", default="valid", doc="`same` makes the output `strides` times the input.")
    output_padding = optional(sizes(min=0), doc="Added to one side of the output, less than the stride.")
    data_format = data_format()
    dilation_rate = sizes(default=1, doc="Distance between the window's elements.")
    activation = activation()
    use_bias = boolean(default=True, doc="Whether to add a bias per output channel.")
    kernel_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the kernel")
    bias_constraint = constraint("the bias")

    def validate(self) -> None:
        """Strides and dilation exclude each other; the output padding is less than the stride."""
        check_dilation(self.name, self.strides, self.dilation_rate)
        if any(extra >= stride for extra, stride in zip(self.output_padding or (), self.strides, strict=False)):
            received = f"`output_padding` {list(self.output_padding or ())} and `strides` {list(self.strides)}"
            message = f"{self.name} needs less output padding than stride on every axis, but has {received}"
            raise Problem("E207", message, "leave `output_padding` out, or raise `strides`", "output_padding")

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*enlarged, filters]."""
        spatial, _ = self.split(x)
        self.channels(x)
        extra = self.output_padding or (None,) * self.rank
        axes = zip(spatial, self.kernel_size, self.strides, extra, self.dilation_rate, strict=True)
        enlarged = [transposed_length(n, k, s, self.padding, e, d) for n, k, s, e, d in axes]
        check_positive(enlarged, x, self.name, "output_padding")
        return self.image(enlarged, self.filters)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [*kernel_size, filters, channels] and bias [filters]."""
        channels = self.channels(x)
        yield Weight("kernel", (*self.kernel_size, self.filters, channels))
        if self.use_bias:
            yield Weight("bias", (self.filters,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A multiply-add for each kernel element at each input position; one addition per output for the bias."""
        products = 2 * x.size * volume(self.kernel_size) * self.filters
        return products + output.size * self.use_bias + activation_flops(self.activation, output)


class Conv1DTranspose(_Transposed):
    """Slides learned filters over a sequence the other way round, making it longer."""

    keras = "keras.layers.Conv1DTranspose"
    rank = 1
    examples = (
        example("{filters: 8, kernel_size: 3, strides: 2}", (10, 4)),
        example("{filters: 8, kernel_size: 4, strides: 3, output_padding: 1, padding: same}", (None, 4)),
    )


class Conv2DTranspose(_Transposed):
    """Slides learned filters over an image the other way round, making it larger."""

    keras = "keras.layers.Conv2DTranspose"
    rank = 2
    examples = (
        example("{filters: 16, kernel_size: 3, strides: 2, padding: same, activation: relu}", (7, 7, 32)),
        example("{filters: 3, kernel_size: [5, 3], strides: 2, output_padding: 1, use_bias: false}", (7, None, 2)),
    )


class Conv3DTranspose(_Transposed):
    """Slides learned filters over a volume the other way round, making it larger."""

    keras = "keras.layers.Conv3DTranspose"
    rank = 3
    examples = (example("{filters: 4, kernel_size: 3, strides: 2}", (4, 5, 6, 2)),)
