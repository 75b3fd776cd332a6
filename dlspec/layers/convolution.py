"""Convolutions: plain, depthwise, separable and transposed, in one to three spatial dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dlspec.errors import Problem
from dlspec.ir import Shape, Tensor, Weight, known, show_shape, volume
from dlspec.layers.base import Layer, activation, activation_flops, constraint, initializer, regularizer
from dlspec.registry import boolean, choice, example, integer, optional, sizes


def window_length(size: int | None, window: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """Output length of a sliding window over one axis (``valid``, ``same`` or ``causal`` padding).

    Source: TensorFlow, "Notes on padding"; with dilation the window spans ``dilation * (window - 1) + 1``.
    """
    if size is None:
        return None
    span = dilation * (window - 1) + 1
    covered = size if padding in ("same", "causal") else size - span + 1
    return -(-covered // stride)


def split_image(x: Tensor, rank: int, channels_first: bool, who: str) -> tuple[Shape, int | None]:
    """Spatial axes and channels of an input.

    Raises:
        Problem: E402, the input has another number of axes.
    """
    if x.rank != rank + 1:
        axes = ["height", "width", "depth"][:rank] if rank > 1 else ["steps"]
        order = ["channels", *axes] if channels_first else [*axes, "channels"]
        raise Problem(
            "E402",
            f"{who} expects {rank + 1} axes [{', '.join(order)}], but the input has shape {show_shape(x.shape)}",
            "add the channel axis in `inputs`, or use `reshape`" if x.rank == rank else "",
        )
    return (x.shape[1:], x.shape[0]) if channels_first else (x.shape[:-1], x.shape[-1])


def join_image(spatial: Sequence[int | None], channels: int | None, channels_first: bool) -> Shape:
    """Spatial axes and channels put together again."""
    return (channels, *spatial) if channels_first else (*spatial, channels)


def check_positive(spatial: Sequence[int | None], x: Tensor, who: str, option: str) -> None:
    """Raises E410 where a window does not fit into its input."""
    if any(size is not None and size < 1 for size in spatial):
        raise Problem(
            "E410",
            f"{who} leaves nothing of an input of shape {show_shape(x.shape)}: its window is larger than the input",
            "use `padding: same`, a smaller window, or fewer reductions before it",
            option,
        )


class _Convolution(Layer, abstract=True):
    """Options and rules that the plain convolutions share."""

    filters = integer(min=1, doc="Number of output channels.")
    kernel_size = sizes(doc="Size of the window, one number or one for each axis.")
    strides = sizes(default=1, doc="Step of the window.")
    padding = choice("valid", "same", default="valid", doc="`same` pads so that stride 1 keeps the size.")
    data_format = optional(choice("channels_last", "channels_first"), doc="Order of the axes; Keras's setting unless given.")
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
    def channels_first(self) -> bool:
        """Whether the channels come before the spatial axes."""
        return self.data_format == "channels_first"

    def validate(self) -> None:
        """Strides and dilation exclude each other; groups divide the filters."""
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            message = f"{self.name} cannot have `strides` and `dilation_rate` above 1 together"
            raise Problem("E207", message, "leave one of them at 1", "dilation_rate")
        if self.filters % self.groups:
            message = f"`filters` ({self.filters}) is no multiple of `groups` ({self.groups})"
            raise Problem("E207", message, option="groups")

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*reduced, filters]."""
        spatial, _ = split_image(x, self.rank, self.channels_first, self.name)
        channels = known(x, 0 if self.channels_first else -1, self.name)
        if channels % self.groups:
            message = f"{self.name} has `groups: {self.groups}`, but the input has {channels} channels"
            raise Problem("E402", message, "groups must divide the channels of the input", "groups")
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        reduced = [window_length(n, k, s, self.padding, d) for n, k, s, d in windows]
        check_positive(reduced, x, self.name, "kernel_size")
        return x.reshaped(join_image(reduced, self.filters, self.channels_first))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [*kernel_size, channels / groups, filters] and bias [filters]."""
        channels = known(x, 0 if self.channels_first else -1, self.name)
        yield Weight("kernel", (*self.kernel_size, channels // self.groups, self.filters))
        if self.use_bias:
            yield Weight("bias", (self.filters,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A multiply-add for each kernel element at each output position; one addition per output for the bias."""
        channels = known(x, 0 if self.channels_first else -1, self.name)
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
