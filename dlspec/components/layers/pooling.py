"""Pooling: the largest or the mean value of a window, of the whole input, or of a fixed number of parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.components.layers.base import data_format
from dlspec.components.layers.windows import SpatialLayer, check_positive, window_length
from dlspec.components.registry import boolean, choice, example, optional, sizes
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, known, volume


class _Pooling(SpatialLayer, abstract=True):
    """Options and rules of pooling over a sliding window."""

    shorthand = "pool_size"
    pool_size = sizes(default=2, doc="Size of the window, one number or one for each axis.")
    strides = optional(sizes(doc="Step of the window; the window's size unless given."))
    padding = choice("valid", "same", default="valid", doc="`same` keeps the elements that fill no whole window.")
    data_format = data_format()

    @classmethod
    def implied(cls, option: str, options: Mapping[str, Any], axes: int | None) -> Any:
        """The step is the window's size."""
        return options.get("pool_size") if option == "strides" else None

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*reduced, channels]."""
        spatial, channels = self.split(x)
        windows = zip(spatial, self.pool_size, self.strides or self.pool_size, strict=True)
        reduced = [window_length(n, k, s, self.padding) for n, k, s in windows]
        check_positive(reduced, x, self.name, "pool_size")
        return self.image(reduced, channels)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per window element for each output element."""
        return output.size * volume(self.pool_size)


class MaxPooling1D(_Pooling):
    """Takes the largest value of each window of a sequence."""

    keras = "keras.layers.MaxPooling1D"
    rank = 1
    examples = (example("", (20, 4)), example("{pool_size: 3, strides: 2, padding: same}", (None, 4)))


class MaxPooling2D(_Pooling):
    """Takes the largest value of each window of an image."""

    keras = "keras.layers.MaxPooling2D"
    rank = 2
    examples = (
        example("", (28, 28, 8)),
        example("3", (28, 28, 8)),
        example("{pool_size: [3, 2], strides: 2, padding: same}", (None, 27, 8)),
    )


class MaxPooling3D(_Pooling):
    """Takes the largest value of each window of a volume."""

    keras = "keras.layers.MaxPooling3D"
    formats_lacking = ("litert",)
    rank = 3
    examples = (example("", (8, 9, 10, 2)),)


class AveragePooling1D(_Pooling):
    """Takes the mean of each window of a sequence."""

    keras = "keras.layers.AveragePooling1D"
    rank = 1
    pool_size = sizes(doc="Size of the window.")
    examples = (example("2", (20, 4)),)


class AveragePooling2D(_Pooling):
    """Takes the mean of each window of an image."""

    keras = "keras.layers.AveragePooling2D"
    rank = 2
    pool_size = sizes(doc="Size of the window, one number or one for each axis.")
    examples = (
        example("2", (28, 28, 6)),
        example("{pool_size: 3, strides: 1, data_format: channels_first}", (8, 28, 28)),
    )


class AveragePooling3D(_Pooling):
    """Takes the mean of each window of a volume."""

    keras = "keras.layers.AveragePooling3D"
    formats_lacking = ("litert",)
    rank = 3
    pool_size = sizes(doc="Size of the window, one number or one for each axis.")
    examples = (example("[2, 3, 2]", (8, 9, 10, 2)),)


class _GlobalPooling(SpatialLayer, abstract=True):
    """Options and rules of pooling over all spatial axes at once."""

    data_format = data_format()
    keepdims = boolean(default=False, doc="Whether the pooled axes stay, with size 1.")

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [channels], or [1…, channels] with `keepdims`."""
        _, channels = self.split(x)
        return self.image((1,) * self.rank if self.keepdims else (), channels)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per input element."""
        return x.size


class GlobalMaxPooling1D(_GlobalPooling):
    """Takes the largest value of a sequence, channel by channel."""

    keras = "keras.layers.GlobalMaxPooling1D"
    rank = 1
    examples = (example("", (None, 4)),)


class GlobalMaxPooling2D(_GlobalPooling):
    """Takes the largest value of an image, channel by channel."""

    keras = "keras.layers.GlobalMaxPooling2D"
    rank = 2
    examples = (example("", (7, 7, 32)), example("{keepdims: true}", (None, None, 32)))


class GlobalMaxPooling3D(_GlobalPooling):
    """Takes the largest value of a volume, channel by channel."""

    keras = "keras.layers.GlobalMaxPooling3D"
    rank = 3
    examples = (example("", (4, 5, 6, 2)),)


class GlobalAveragePooling1D(_GlobalPooling):
    """Takes the mean of a sequence, channel by channel, over the steps that are not masked."""

    keras = "keras.layers.GlobalAveragePooling1D"
    rank = 1
    masking = "pass"
    examples = (example("", (None, 4)), example("{keepdims: true}", (9, 4)))

    def infer(self, x: Tensor) -> Tensor:
        """[steps, channels] → [channels]; a mask says something of the first axis."""
        if x.masked and self.channels_first:
            message = (
                f"{self.name} cannot use the mask of its input: with `channels_first` its steps are not the first axis"
            )
            raise Problem("E402", message, "use `data_format: channels_last`")
        return super().infer(x)

    def mask(self, x: Tensor) -> bool:
        """The mask is used up: no steps are left."""
        return False


class GlobalAveragePooling2D(_GlobalPooling):
    """Takes the mean of an image, channel by channel."""

    keras = "keras.layers.GlobalAveragePooling2D"
    rank = 2
    examples = (example("", (7, 7, 32)), example("{data_format: channels_first, keepdims: true}", (32, 7, 7)))


class GlobalAveragePooling3D(_GlobalPooling):
    """Takes the mean of a volume, channel by channel."""

    keras = "keras.layers.GlobalAveragePooling3D"
    rank = 3
    examples = (example("", (4, 5, 6, 2)),)


class _AdaptivePooling(SpatialLayer, abstract=True):
    """Options and rules of pooling to a fixed output size."""

    shorthand = "output_size"
    output_size = sizes(doc="Size of the output, one number or one for each axis.")
    data_format = data_format()

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*output_size, channels]; TensorFlow needs to know the size of what it divides."""
        spatial, channels = self.split(x)
        first = 1 if self.channels_first else 0
        for axis in range(first, first + len(spatial)):
            known(x, axis, self.name)
        return self.image(self.output_size, channels)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One operation per input element."""
        return x.size


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """Takes means over parts of a sequence, so many that the output has the wanted length."""

    keras = "keras.layers.AdaptiveAveragePooling1D"
    rank = 1
    examples = (example("4", (20, 3)),)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """Takes means over parts of an image, so many that the output has the wanted size."""

    keras = "keras.layers.AdaptiveAveragePooling2D"
    rank = 2
    examples = (example("[4, 2]", (20, 21, 3)),)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """Takes means over parts of a volume, so many that the output has the wanted size."""

    keras = "keras.layers.AdaptiveAveragePooling3D"
    rank = 3
    examples = (example("2", (8, 9, 10, 3)),)


class _AdaptiveMaxPooling(_AdaptivePooling, abstract=True):
    """Restrictions of adaptive pooling by the maximum."""

    def infer(self, x: Tensor) -> Tensor:
        """Like the means, but for whole axes.

        Keras computes windows of two lengths and picks from both. Where the longer one is longer than the axis,
        TensorFlow's largest value of nothing ends the process with a floating point exception.
        """
        output = super().infer(x)
        for size, parts in zip(self.split(x)[0], self.output_size, strict=True):
            if parts == 1 or size == 1:
                message = f"{self.name} cannot make {parts} of {size} element{'s'[: size != 1]}: TensorFlow fails on it"
                help = (
                    f"use `global_max_pooling{self.rank}d: {{keepdims: true}}`" if set(self.output_size) == {1} else ""
                )
                raise Problem("E402", message, help, "output_size")
        return output


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """Takes the largest values of parts of a sequence, so many that the output has the wanted length."""

    keras = "keras.layers.AdaptiveMaxPooling1D"
    rank = 1
    examples = (example("4", (20, 3)),)


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """Takes the largest values of parts of an image, so many that the output has the wanted size."""

    keras = "keras.layers.AdaptiveMaxPooling2D"
    rank = 2
    examples = (example("4", (20, 21, 3)),)


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """Takes the largest values of parts of a volume, so many that the output has the wanted size."""

    keras = "keras.layers.AdaptiveMaxPooling3D"
    formats_lacking = ("litert",)
    rank = 3
    examples = (example("2", (8, 9, 10, 3)),)
