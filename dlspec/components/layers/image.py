"""Images: resizing, cropping, and random changes during training."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.layers.base import data_format, seed
from dlspec.components.layers.preprocessing import check_numeric
from dlspec.components.layers.windows import SpatialLayer
from dlspec.components.registry import MISSING, Field, boolean, choice, example, integer, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


def extent(low: float, high: float, doc: str, default: Any = MISSING, kind: str = "number") -> Field[Any]:
    """A number, for a range that begins at 0 or around it, or a pair with both ends."""
    each = {"type": kind, "minimum": low, "maximum": high}
    schema = {**each, "type": [kind, "array"], "items": each, "minItems": 2, "maxItems": 2}
    return plain(schema, default=default, doc=doc)


def value_range() -> Field[Any]:
    """The ``value_range`` option."""
    pair = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
    return plain(pair, default=[0, 255], doc="Smallest and largest value of the images.")


def fill_mode() -> Field[str]:
    """The ``fill_mode`` option."""
    return choice("reflect", "wrap", "constant", "nearest", default="reflect", doc="Values beyond the border.")


def interpolation() -> Field[str]:
    """The ``interpolation`` option."""
    return choice("nearest", "bilinear", default="bilinear", doc="How new elements are made.")


def fill_value() -> Field[float]:
    """The ``fill_value`` option."""
    return number(default=0.0, doc="Value beyond the border, with `fill_mode: constant`.")


class _Sized(SpatialLayer, abstract=True):
    """Rules of the layers whose output has a given size."""

    rank = 2
    height: Any
    width: Any

    def infer(self, x: Tensor) -> Tensor:
        """[rows, columns, channels] → [height, width, channels]."""
        check_numeric(x, self.name)
        _, channels = self.split(x)
        return self.image((self.height, self.width), channels)


class Resizing(_Sized):
    """Brings images to one size."""

    keras = "keras.layers.Resizing"
    prepares = True
    keeps_range = True
    height = integer(min=1, doc="Number of rows.")
    width = integer(min=1, doc="Number of columns.")
    interpolation = choice(
        "bilinear",
        "nearest",
        "bicubic",
        "area",
        "lanczos3",
        "lanczos5",
        default="bilinear",
        doc="How elements are made.",
    )
    crop_to_aspect_ratio = boolean(default=False, doc="Whether to crop instead of distorting.")
    pad_to_aspect_ratio = boolean(default=False, doc="Whether to pad instead of distorting.")
    fill_mode = plain({"enum": ["constant"]}, default="constant", doc="Value of the padding.")
    fill_value = number(default=0.0, doc="Value of the padding.")
    antialias = boolean(default=False, doc="Whether to smooth before making smaller.")
    data_format = data_format()
    examples = (
        example("{height: 32, width: 48}", (None, None, 3), dtype="uint8"),
        example("{height: 8, width: 8, crop_to_aspect_ratio: true, interpolation: nearest}", (28, 30, 1)),
    )

    def lacking_in(self, *inputs: Tensor) -> tuple[str, ...]:
        """ONNX, for interpolation by area."""
        return ("onnx",) if self.interpolation == "area" else ()

    def validate(self) -> None:
        """Checks that not both cropping and padding are asked for."""
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            message = "resizing has `crop_to_aspect_ratio` and `pad_to_aspect_ratio` together"
            raise Problem("E207", message, "choose one", "pad_to_aspect_ratio")


class CenterCrop(_Sized):
    """Cuts out the middle of images; smaller ones are enlarged."""

    keras = "keras.layers.CenterCrop"
    prepares = True
    keeps_range = True
    height = integer(min=1, doc="Number of rows.")
    width = integer(min=1, doc="Number of columns.")
    data_format = data_format()
    examples = (example("{height: 20, width: 16}", (28, 28, 3)),)


class RandomCrop(_Sized):
    """Cuts out a random part in training and the middle otherwise, which Keras's own class leaves whole."""

    keras = "dlspec.keras_layers.RandomCrop"
    augments_not = "it gives training another size than use: `resize` in the source, or crop in `layers`"
    keeps_range = True
    height = integer(min=1, doc="Number of rows.")
    width = integer(min=1, doc="Number of columns.")
    seed = seed()
    data_format = data_format()
    examples = (example("{height: 20, width: 16}", (28, 28, 3)),)


class ImageLayer(SpatialLayer, abstract=True):
    """Rules of the changes that leave the shape alone; random ones do nothing outside training.

    Class attributes:
        colours: Numbers of channels that the layer can work on; () for any.
        keeps_integers: Whether Keras gives whole numbers their own dtype back.
        mixes_labels: What comes out is made of several images of the batch, and their targets are mixed alike.
    """

    rank = 2
    colours: ClassVar[tuple[int, ...]] = ()
    keeps_integers: ClassVar[bool] = False
    mixes_labels: ClassVar[bool] = False

    def validate(self) -> None:
        """Checks that `value_range` ascends."""
        low, high = self.value_range or (0, 1)
        if low >= high:
            message = f"`value_range` of {self.name} must go upwards, got [{low:g}, {high:g}]"
            raise Problem("E207", message, "write the least value first", "value_range")

    def channels_taken(self) -> tuple[int, ...]:
        """Numbers of channels that the layer can work on with its options; () for any."""
        return self.colours

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        check_numeric(x, self.name)
        _, channels = self.split(x)
        taken = self.channels_taken()
        if taken and channels is not None and channels not in taken:
            wanted = " or ".join(str(count) for count in taken)
            message = f"{self.name} takes images with {wanted} channels, but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "leave it out where there are no colours")
        return Tensor(x.shape, x.dtype if self.keeps_integers and not x.floating else self.compute_dtype)


class RandomImageLayer(ImageLayer, abstract=True):
    """Rules of the changes that are random, as the seed decides."""

    augments = True


class RandomFlip(RandomImageLayer):
    """Mirrors images at random."""

    keras = "keras.layers.RandomFlip"
    shorthand = "mode"
    mode = choice(
        "horizontal",
        "vertical",
        "horizontal_and_vertical",
        default="horizontal_and_vertical",
        doc="Which way to mirror.",
    )
    seed = seed()
    data_format = data_format()
    examples = (example("horizontal", (28, 28, 3)), example("", (None, None, 1)))


class RandomRotation(RandomImageLayer):
    """Turns images by a random angle."""

    keras = "keras.layers.RandomRotation"
    shorthand = "factor"
    factor = extent(-1, 1, "Largest angle as a share of a full turn, or both ends.")
    fill_mode = fill_mode()
    interpolation = interpolation()
    seed = seed()
    fill_value = fill_value()
    data_format = data_format()
    examples = (example("0.1", (28, 28, 3)), example("{factor: [-0.2, 0.3], fill_mode: constant}", (28, 28, 3)))


class RandomZoom(RandomImageLayer):
    """Zooms in or out at random."""

    keras = "keras.layers.RandomZoom"
    shorthand = "height_factor"
    height_factor = extent(-0.99, 1, "Largest change of the height as a share of it, or both ends; negative zooms in.")
    width_factor = optional(extent(-0.99, 1, "The same for the width; that of the height unless given."))
    fill_mode = fill_mode()
    interpolation = interpolation()
    seed = seed()
    fill_value = fill_value()
    data_format = data_format()
    examples = (example("0.2", (28, 28, 3)), example("{height_factor: [-0.3, 0.1], width_factor: 0.1}", (28, 28, 3)))


class RandomTranslation(RandomImageLayer):
    """Shifts images at random."""

    keras = "keras.layers.RandomTranslation"
    height_factor = extent(-1, 1, "Largest shift as a share of the height, or both ends.")
    width_factor = extent(-1, 1, "Largest shift as a share of the width, or both ends.")
    fill_mode = fill_mode()
    interpolation = interpolation()
    seed = seed()
    fill_value = fill_value()
    data_format = data_format()
    examples = (example("{height_factor: 0.1, width_factor: [-0.2, 0.2]}", (28, 28, 3)),)


class RandomContrast(RandomImageLayer):
    """Changes the contrast at random."""

    keras = "keras.layers.RandomContrast"
    shorthand = "factor"
    factor = extent(0, 1, "Largest change as a share of the contrast, or both ends.")
    value_range = value_range()
    seed = seed()
    examples = (example("0.2", (28, 28, 3)), example("{factor: [0.1, 0.5], value_range: [0, 1]}", (28, 28, 3)))


class RandomBrightness(RandomImageLayer):
    """Changes the brightness at random."""

    keras = "keras.layers.RandomBrightness"
    shorthand = "factor"
    factor = extent(-1, 1, "Largest change as a share of the value range, or both ends.")
    value_range = value_range()
    seed = seed()
    examples = (example("0.2", (28, 28, 3)),)
