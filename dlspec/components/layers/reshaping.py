"""Layers that rearrange, repeat, cut or pad a tensor without computing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.layers.base import Layer, data_format
from dlspec.components.layers.windows import SpatialLayer
from dlspec.components.registry import JSON, Field, Owner, choice, example, integer, integers, sizes
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, UnknownSize, show_shape, volume


def margins(*, default: Any, doc: str) -> Field[Any]:
    """Elements at both ends of each spatial axis: one number, one for each axis, or a pair for each axis."""

    def literal(owner: type[Owner]) -> JSON:
        count: JSON = {"type": "integer", "minimum": 0}
        pair = {**count, "type": ["integer", "array"], "items": count, "minItems": 2, "maxItems": 2}
        return pair if owner.rank == 1 else {**pair, "items": pair, "minItems": owner.rank, "maxItems": owner.rank}

    def convert(value: Any, owner: type[Owner]) -> tuple[Any, ...]:
        if owner.rank == 1:
            return _pair(value)
        return (_pair(value),) * owner.rank if isinstance(value, int) else tuple(map(_pair, value))

    return Field(literal, default=default, doc=doc, convert=convert)


def _pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _pairs(value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    return (value,) if rank == 1 else value


class _Rearranging(Layer, abstract=True):
    """Keeps the data type of integers and text; floating-point inputs are cast as everywhere."""

    def kept(self, x: Tensor, shape: Shape) -> Tensor:
        """`x` with another shape."""
        return Tensor(shape, self.compute_dtype if x.floating else x.dtype)


class Flatten(_Rearranging):
    """Joins all axes into one."""

    keras = "keras.layers.Flatten"
    moves = True
    keeps_range = True
    data_format = data_format()
    examples = (example("", (7, 7, 32)), example("", (None, 3), dtype="int32"), example("", ()))

    def infer(self, x: Tensor) -> Tensor:
        """[a, b, …] → [a * b * …]; unknown where an axis is."""
        try:
            return self.kept(x, (x.size,))
        except UnknownSize:
            return self.kept(x, (None,))


class Reshape(_Rearranging):
    """Gives the elements another shape."""

    keras = "keras.layers.Reshape"
    moves = True
    keeps_range = True
    shorthand = "target_shape"
    target_shape = integers(min=-1, doc="The new shape without the batch; one axis may be -1 and takes what is left.")
    examples = (example("[7, 7, 32]", (1568,)), example("[-1, 4]", (6, 2)), example("[-1, 3]", (None, 6)))

    def validate(self) -> None:
        """At most one axis is -1, none is 0."""
        received = f"`target_shape: {list(self.target_shape)}`"
        if self.target_shape.count(-1) > 1:
            raise Problem("E207", f"reshape has {received}: only one axis can be -1", "", "target_shape")
        if 0 in self.target_shape:
            raise Problem("E207", f"reshape has {received}: no axis can have size 0", "", "target_shape")

    def infer(self, x: Tensor) -> Tensor:
        """Any shape → `target_shape`, with as many elements."""
        fixed = volume(tuple(size for size in self.target_shape if size != -1))
        rest: int | None = None
        if None not in x.shape:
            rest, over = divmod(x.size, fixed)
            if over or (rest != 1 and -1 not in self.target_shape):
                shapes = f"shape {show_shape(x.shape)} ({x.size} elements) into {list(self.target_shape)}"
                fix = "make the products equal, or set one axis to -1"
                raise Problem("E402", f"reshape cannot bring {shapes}", fix, "target_shape")
        return self.kept(x, tuple(rest if size == -1 else size for size in self.target_shape))


class Permute(_Rearranging):
    """Puts the axes into another order."""

    keras = "keras.layers.Permute"
    moves = True
    keeps_range = True
    shorthand = "dims"
    dims = integers(min=1, doc="For each axis of the output, the axis of the input; they count from 1.")
    examples = (example("[2, 1]", (10, 64)), example("[3, 1, 2]", (None, 5, 6), dtype="int32"))

    def validate(self) -> None:
        """Checks that every axis is named once."""
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            message = f"permute has `dims: {list(self.dims)}`, which does not name each axis from 1 on once"
            raise Problem("E207", message, "for example `[2, 1]` swaps two axes", "dims")

    def infer(self, x: Tensor) -> Tensor:
        """[a, b, …] → the same sizes in the order of `dims`."""
        if x.rank != len(self.dims):
            count = f"{len(self.dims)} axes, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", f"permute has `dims` for {count}", "name each axis of the input once", "dims")
        return self.kept(x, tuple(x.shape[axis - 1] for axis in self.dims))


class RepeatVector(Layer):
    """Repeats a vector, which gives a sequence."""

    keras = "keras.layers.RepeatVector"
    shorthand = "n"
    n = integer(min=1, doc="Number of repetitions.")
    examples = (example("3", (32,)),)

    def infer(self, x: Tensor) -> Tensor:
        """[features] → [n, features]."""
        if x.rank != 1:
            message = f"repeat_vector expects 1 axis [features], but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "use `flatten` before it")
        return Tensor((self.n, *x.shape), self.compute_dtype)


class _Cropping(SpatialLayer, abstract=True):
    """Rules that the cropping layers share."""

    shorthand = "cropping"
    cropping = margins(default=1, doc="Elements to cut off: one number, one for each axis, or a pair for each axis.")

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*spatial less the cropping, channels]."""
        spatial, channels = self.split(x)
        pairs = _pairs(self.cropping, self.rank)
        cut = [None if n is None else n - sum(pair) for n, pair in zip(spatial, pairs, strict=True)]
        if any(size is not None and size < 1 for size in cut):
            message = f"{self.name} leaves nothing of an input of shape {show_shape(x.shape)}"
            raise Problem("E410", message, "crop less", "cropping")
        return self.image(cut, channels)


class Cropping1D(_Cropping):
    """Cuts steps off both ends of a sequence."""

    keras = "keras.layers.Cropping1D"
    rank = 1
    examples = (example("[1, 2]", (10, 3)), example("", (None, 3)))


class Cropping2D(_Cropping):
    """Cuts rows and columns off the borders of an image."""

    keras = "keras.layers.Cropping2D"
    keeps_range = True
    rank = 2
    cropping = margins(default=0, doc="Rows and columns to cut off: `n`, `[h, w]` or `[[top, bottom], [left, right]]`.")
    data_format = data_format()
    examples = (example("[[2, 1], [3, 0]]", (28, 28, 3)), example("{cropping: [1, 2]}", (None, 20, 3)))


class Cropping3D(_Cropping):
    """Cuts slices off the borders of a volume."""

    keras = "keras.layers.Cropping3D"
    rank = 3
    data_format = data_format()
    examples = (example("2", (8, 9, 10, 3)),)


class _ZeroPadding(SpatialLayer, abstract=True):
    """Rules that the padding layers share."""

    shorthand = "padding"
    padding = margins(default=1, doc="Zeros to add: one number, one for each axis, or a pair for each axis.")
    data_format = data_format()

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*spatial plus the padding, channels]."""
        spatial, channels = self.split(x)
        pairs = _pairs(self.padding, self.rank)
        padded = [None if n is None else n + sum(pair) for n, pair in zip(spatial, pairs, strict=True)]
        return self.image(padded, channels)


class ZeroPadding1D(_ZeroPadding):
    """Adds zeros at both ends of a sequence."""

    keras = "keras.layers.ZeroPadding1D"
    rank = 1
    examples = (example("[2, 0]", (10, 3)),)


class ZeroPadding2D(_ZeroPadding):
    """Adds zeros around an image."""

    keras = "keras.layers.ZeroPadding2D"
    keeps_range = True
    rank = 2
    examples = (example("3", (28, 28, 3)), example("[[1, 0], [0, 2]]", (None, 28, 3)))


class ZeroPadding3D(_ZeroPadding):
    """Adds zeros around a volume."""

    keras = "keras.layers.ZeroPadding3D"
    rank = 3
    examples = (example("[1, 2, 3]", (8, 9, 10, 3)),)


class _UpSampling(SpatialLayer, abstract=True):
    """Rules that the upsampling layers share."""

    shorthand = "size"
    size: Any = 2  # each subclass declares its own kind of field

    def infer(self, x: Tensor) -> Tensor:
        """[*spatial, channels] → [*spatial times `size`, channels]."""
        spatial, channels = self.split(x)
        factors = (self.size,) if isinstance(self.size, int) else self.size
        larger = [None if n is None else n * factor for n, factor in zip(spatial, factors, strict=True)]
        return self.image(larger, channels)


class UpSampling1D(_UpSampling):
    """Repeats each step of a sequence."""

    keras = "keras.layers.UpSampling1D"
    rank = 1
    size = integer(min=1, default=2, doc="How often each step is repeated.")
    examples = (example("3", (10, 4)),)


class UpSampling2D(_UpSampling):
    """Makes an image larger by repeating or interpolating its rows and columns."""

    keras = "keras.layers.UpSampling2D"
    rank = 2
    size = sizes(default=2, doc="How much larger, one number or one for each axis.")
    data_format = data_format()
    interpolation = choice(
        "bicubic", "bilinear", "lanczos3", "lanczos5", "nearest", default="nearest", doc="How new elements are made."
    )
    examples = (example("", (14, 14, 8)), example("{size: [2, 3], interpolation: bilinear}", (None, 14, 8)))


class UpSampling3D(_UpSampling):
    """Repeats the slices of a volume."""

    keras = "keras.layers.UpSampling3D"
    rank = 3
    size = sizes(default=2, doc="How often each slice is repeated, one number or one for each axis.")
    data_format = data_format()
    examples = (example("[1, 2, 3]", (4, 5, 6, 2)),)
