"""Shape arithmetic of layers that slide a window over spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, known, show_shape


class SpatialLayer(Layer, abstract=True):
    """Base of the layers whose input has `rank` spatial axes and one of channels."""

    data_format: Any = None

    @property
    def channels_first(self) -> bool:
        """Whether the channels come before the spatial axes."""
        return bool(self.data_format == "channels_first")

    def split(self, x: Tensor) -> tuple[Shape, int | None]:
        """Spatial axes and channels of `x`; raises E402 where it has another number of axes."""
        return split_image(x, self.rank, self.channels_first, self.name)

    def channels(self, x: Tensor) -> int:
        """Number of channels of `x`; raises E408 where it is unknown."""
        return known(x, 0 if self.channels_first else -1, self.name)

    def image(self, spatial: Sequence[int | None], channels: int | None) -> Tensor:
        """An output with these spatial axes and channels."""
        shape = (channels, *spatial) if self.channels_first else (*spatial, channels)
        return Tensor(shape, self.compute_dtype)


def window_length(size: int | None, window: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """Output length of a sliding window over one axis (``valid``, ``same`` or ``causal`` padding).

    Source: TensorFlow, "Notes on padding"; with dilation the window spans ``dilation * (window - 1) + 1``.
    """
    if size is None:
        return None
    span = dilation * (window - 1) + 1
    covered = size if padding in ("same", "causal") else size - span + 1
    return -(-covered // stride)


def transposed_length(
    size: int | None, window: int, stride: int, padding: str, extra: int | None, dilation: int
) -> int | None:
    """Output length of a transposed convolution over one axis; `extra` is the ``output_padding`` or None."""
    if size is None:
        return None
    span = dilation * (window - 1) + 1
    if padding == "same":
        return size * stride if extra is None else (size - 1) * stride + span % 2 + extra
    return (size - 1) * stride + (max(span, stride) if extra is None else span + extra)


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
            axes_help(x, rank + 1, 0 if channels_first else rank, who),
        )
    return (x.shape[1:], x.shape[0]) if channels_first else (x.shape[:-1], x.shape[-1])


def axes_help(x: Tensor, wanted: int, channels: int, who: str) -> str:
    """Help for an input that has not `wanted` axes; `channels` is the index of its channel axis."""
    if x.rank == wanted - 1:
        shape = show_shape((*x.shape[:channels], 1, *x.shape[channels:]))
        by = f"`ops.expand_dims: {channels - wanted}`" if None in x.shape else f"`reshape: {shape}`"
        return f"add the channel axis: `{shape}` in `inputs`, or {by} before it"
    if x.rank == wanted + 1:
        return f"`time_distributed: {{layer: {{{who}: …}}}}` applies it to each step by itself"
    return "bring the input to these axes with `reshape`"


def check_positive(spatial: Sequence[int | None], x: Tensor, who: str, option: str) -> None:
    """Raises E410 where a window does not fit into its input."""
    if any(size is not None and size < 1 for size in spatial):
        raise Problem(
            "E410",
            f"{who} leaves nothing of an input of shape {show_shape(x.shape)}: its window is larger than the input",
            "use `padding: same`, a smaller window, or fewer reductions before it",
            option,
        )


def check_dilation(who: str, strides: Sequence[int], dilation_rate: Sequence[int]) -> None:
    """Raises E207 for strides and dilation together, which plain convolutions do not know."""
    if max(strides) > 1 and max(dilation_rate) > 1:
        message = f"{who} cannot have `strides` and `dilation_rate` above 1 together"
        raise Problem("E207", message, "leave one of them at 1", "dilation_rate")


def check_equal_strides(who: str, strides: Sequence[int], dilation_rate: Sequence[int]) -> None:
    """Raises E207 for strides that differ: TensorFlow's depthwise convolution takes one for all axes unless dilated."""
    if len(set(strides)) > 1 and max(dilation_rate) == 1:
        message = f"{who} needs the same stride on every axis, but has `strides: {list(strides)}`"
        raise Problem("E207", message, "give one number", "strides")
