"""Images: random distortions and holes during training."""

from __future__ import annotations

from dlspec.components.layers.base import data_format, seed
from dlspec.components.layers.image import RandomImageLayer, extent, fill_mode, fill_value, interpolation, value_range
from dlspec.components.registry import choice, example, number, optional, plain

_PAIR = {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 2, "maxItems": 2}


class RandomShear(RandomImageLayer):
    """Slants images at random.

    Keras also takes a single number, but 3.15 cannot load a saved model that has one.
    """

    keras = "keras.layers.RandomShear"
    x_factor = plain(_PAIR, default=0.0, doc="Least and largest horizontal slant, as shares of the height.")
    y_factor = plain(_PAIR, default=0.0, doc="Least and largest vertical slant, as shares of the width.")
    interpolation = interpolation()
    fill_mode = fill_mode()
    fill_value = fill_value()
    data_format = data_format()
    seed = seed()
    examples = (
        example("{x_factor: [0, 0.2]}", (28, 28, 3)),
        example("{x_factor: [0.1, 0.3], y_factor: [0, 0.1], fill_mode: wrap}", (28, 28, 1)),
    )


class RandomPerspective(RandomImageLayer):
    """Shows images at random as if seen from the side."""

    keras = "keras.layers.RandomPerspective"
    factor = extent(0, 1, "Share of the images that are changed, or both ends of it.", 1.0)
    scale = number(min=0, max=1, default=1.0, doc="How far the corners move, as a share of the image.")
    interpolation = interpolation()
    fill_value = number(default=0.0, doc="Value beyond the border.")
    seed = seed()
    data_format = data_format()
    examples = (
        example("{scale: 0.3}", (28, 28, 3)),
        example("{factor: [0.2, 0.8], interpolation: nearest}", (None, None, 1)),
    )


class RandomElasticTransform(RandomImageLayer):
    """Bends images at random as if they were printed on rubber."""

    keras = "keras.layers.RandomElasticTransform"
    factor = extent(0, 1, "Share of the images that are changed, or both ends of it.", 1.0)
    scale = extent(0, 1, "Strength of the bending, or both ends of it.", 1.0)
    interpolation = interpolation()
    # Keras takes `mirror` as well, on which TensorFlow fails.
    fill_mode = choice("constant", "nearest", "wrap", "reflect", default="reflect", doc="Values beyond the border.")
    fill_value = fill_value()
    value_range = value_range()
    seed = seed()
    data_format = data_format()
    examples = (
        example("{scale: 0.5}", (28, 28, 1)),
        example("{factor: 0.3, fill_mode: wrap, value_range: [0, 1]}", (28, 28, 3)),
    )


class RandomErasing(RandomImageLayer):
    """Covers a random rectangle of images."""

    keras = "keras.layers.RandomErasing"
    factor = extent(0, 1, "Share of the images that are changed, or both ends of it.", 1.0)
    scale = extent(0, 1, "Area of the rectangle as a share of the image, or both ends of it.", [0.02, 0.33])
    fill_value = optional(number(), doc="Value of the rectangle; noise unless given.")
    value_range = value_range()
    seed = seed()
    data_format = data_format()
    examples = (
        example("{factor: 0.5}", (28, 28, 3)),
        example("{scale: [0.05, 0.2], fill_value: 0, value_range: [0, 1]}", (None, None, 1)),
    )
