"""Images: changes of brightness and colour, sharpening and blurring."""

from __future__ import annotations

from dlspec.components.layers.base import data_format, seed
from dlspec.components.layers.image import ImageLayer, RandomImageLayer, extent, value_range
from dlspec.components.registry import choice, example, integer, integers, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

_ODD = {"type": "integer", "minimum": 1}


class AutoContrast(ImageLayer):
    """Stretches the values of each image over the whole value range, in use as well as in training."""

    keras = "keras.layers.AutoContrast"
    value_range = value_range()
    examples = (example("", (28, 28, 3), dtype="uint8"), example("{value_range: [0, 1]}", (None, None, 1)))


class Equalization(ImageLayer):
    """Spreads the values of each channel of a batch evenly over the value range, in use as well as in training."""

    keras = "keras.layers.Equalization"
    wrapped_in = "keras.layers.Pipeline"  # by itself Keras 3.15 loses it from a graph, for its output is its input
    value_range = value_range()
    bins = integer(min=2, default=256, doc="Number of steps that values are counted in.")
    data_format = data_format()
    examples = (
        example("", (28, 28, 3), dtype="uint8"),
        example("{value_range: [0, 1], bins: 64}", (None, None, 1)),
    )
    over_batch = True

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input, whose channels are worked on one by one."""
        output = super().infer(x)
        self.channels(x)
        return output


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Spreads values evenly within each tile of an image, but does not amplify noise (CLAHE)."""

    keras = "keras.layers.ContrastLimitedAdaptiveHistogramEqualization"
    value_range = value_range()
    clip_limit = number(min=0, default=4.0, doc="Limit of the amplification; 0 for none.")
    tile_grid_size = integers(min=1, length=2, default=[8, 8], doc="Number of tiles in rows and columns.")
    data_format = data_format()
    examples = (
        example("", (64, 64, 1)),
        example("{clip_limit: 2, tile_grid_size: [4, 2], value_range: [0, 1]}", (64, 48, 3)),
    )


class Solarization(ImageLayer):
    """Adds a random amount to the values and inverts those above a random threshold."""

    keras = "keras.layers.Solarization"
    addition_factor = extent(0, 1, "Largest amount as a share of the value range, or both ends.", 0.0)
    threshold_factor = extent(0, 1, "Largest threshold as a share of the value range, or both ends.", 0.0)
    value_range = value_range()
    seed = seed()
    examples = (
        example("{threshold_factor: [0.5, 0.8]}", (28, 28, 3)),
        example("{addition_factor: 0.1, threshold_factor: 0.9, value_range: [0, 1]}", (28, 28, 1)),
    )


class RandomGrayscale(RandomImageLayer):
    """Takes the colours out of some images."""

    keras = "keras.layers.RandomGrayscale"
    shorthand = "factor"
    colours = (1, 3)
    keeps_integers = True
    factor = number(min=0, max=1, default=0.5, doc="Share of the images that lose their colours.")
    data_format = data_format()
    seed = seed()
    examples = (example("", (28, 28, 3)), example("0.2", (None, None, 3), dtype="uint8"))


class RandomHue(RandomImageLayer):
    """Turns the colours of images at random."""

    keras = "keras.layers.RandomHue"
    shorthand = "factor"
    colours = (3,)
    factor = extent(0, 1, "Strength of the change, or both ends of it; 0 is no change.")
    value_range = value_range()
    data_format = data_format()
    seed = seed()
    examples = (example("0.2", (28, 28, 3)), example("{factor: [0.1, 0.3], value_range: [0, 1]}", (None, None, 3)))


class RandomSaturation(RandomImageLayer):
    """Makes the colours of images stronger or weaker at random."""

    keras = "keras.layers.RandomSaturation"
    shorthand = "factor"
    colours = (3,)
    factor = extent(0, 1, "Largest strength, or both ends; 0 is grey, 0.5 no change, 1 the strongest.")
    value_range = value_range()
    data_format = data_format()
    seed = seed()
    examples = (example("[0.3, 0.7]", (28, 28, 3)), example("{factor: 0.5, value_range: [0, 1]}", (None, None, 3)))


class RandomColorDegeneration(RandomImageLayer):
    """Mixes images with their grey versions at random."""

    keras = "keras.layers.RandomColorDegeneration"
    shorthand = "factor"
    colours = (3,)
    factor = extent(0, 1, "Share of the grey version, or both ends of it; 0 is no change, 1 is grey.")
    value_range = value_range()
    data_format = data_format()
    seed = seed()
    examples = (example("[0, 0.5]", (28, 28, 3)), example("{factor: 0.5, value_range: [0, 1]}", (None, None, 3)))


class RandomColorJitter(RandomImageLayer):
    """Changes brightness, contrast, saturation and hue of images at random, as far as each is given."""

    keras = "keras.layers.RandomColorJitter"
    colours = (3,)
    value_range = value_range()
    brightness_factor = optional(extent(-1, 1, "As in `random_brightness`."))
    contrast_factor = optional(extent(0, 1, "As in `random_contrast`."))
    saturation_factor = optional(extent(0, 1, "As in `random_saturation`."))
    hue_factor = optional(extent(0, 1, "As in `random_hue`."))
    seed = seed()
    # Keras 3.15 does not pass the order of the axes on to the layers inside.
    data_format = optional(choice("channels_last"), doc="Order of the axes: the channels come last.")
    examples = (
        example("{brightness_factor: 0.1, contrast_factor: 0.2}", (28, 28, 3)),
        example("{saturation_factor: [0.4, 0.6], hue_factor: 0.1, value_range: [0, 1]}", (None, None, 3)),
    )


class RandomSharpness(RandomImageLayer):
    """Makes images sharper or softer at random."""

    keras = "keras.layers.RandomSharpness"
    shorthand = "factor"
    factor = extent(0, 1, "Largest sharpness, or both ends; 0 is soft, 0.5 no change, 1 the sharpest.")
    value_range = value_range()
    data_format = data_format()
    seed = seed()
    examples = (example("[0.3, 0.7]", (28, 28, 3)), example("{factor: 0.5, value_range: [0, 1]}", (None, None, 1)))


class RandomPosterization(RandomImageLayer):
    """Keeps only the first bits of every value."""

    keras = "keras.layers.RandomPosterization"
    shorthand = "factor"
    factor = extent(1, 8, "Number of bits, drawn up to this one, or both ends.", kind="integer")
    value_range = value_range()
    data_format = data_format()
    seed = seed()
    examples = (example("4", (28, 28, 3)), example("{factor: [3, 6], value_range: [0, 1]}", (None, None, 1)))


class RandomInvert(RandomImageLayer):
    """Inverts the values of some images."""

    keras = "keras.layers.RandomInvert"
    shorthand = "factor"
    factor = extent(0, 1, "Share of the images that are inverted, or both ends of it.", 1.0)
    value_range = value_range()
    seed = seed()
    data_format = data_format()
    examples = (example("0.2", (28, 28, 3)), example("{factor: [0.1, 0.3], value_range: [0, 1]}", (None, None, 1)))


class RandomGaussianBlur(RandomImageLayer):
    """Blurs images at random."""

    keras = "keras.layers.RandomGaussianBlur"
    factor = extent(0, 1, "Share of the images that are blurred, or both ends of it.", 1.0)
    kernel_size = plain(
        {**_ODD, "type": ["integer", "array"], "items": _ODD, "minItems": 2, "maxItems": 2},
        default=3,
        doc="Odd number of rows and columns that are blurred together, or one for each.",
    )
    sigma = extent(0, 1, "Largest standard deviation of the blur in elements, or both ends.", 1.0)
    value_range = value_range()
    data_format = data_format()
    seed = seed()
    examples = (
        example("{kernel_size: 5}", (28, 28, 3)),
        example("{factor: 0.5, kernel_size: [3, 5], sigma: [0.5, 1]}", (None, None, 1)),
    )

    def validate(self) -> None:
        """Checks that kernel sizes are odd."""
        super().validate()
        sizes = self.kernel_size if isinstance(self.kernel_size, list) else [self.kernel_size]
        if any(size % 2 == 0 for size in sizes):
            message = f"random_gaussian_blur has `kernel_size: {self.kernel_size}`, which is even"
            raise Problem("E207", message, "give odd numbers", "kernel_size")
