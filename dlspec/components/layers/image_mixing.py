"""Images: whole policies of random changes, and mixtures of the images of a batch.

Keras takes a dictionary of images, labels and bounding boxes here as well; a spec gives these layers images alone.
"""

from __future__ import annotations

from dlspec.components.layers.base import data_format, seed
from dlspec.components.layers.image import ImageLayer, RandomImageLayer, extent, interpolation, value_range
from dlspec.components.registry import boolean, example, integer, number


class AugMix(ImageLayer):
    """Mixes images with several randomly changed versions of themselves.

    Keras also takes a dictionary with labels and bounding boxes, which come out unchanged.
    """

    keras = "keras.layers.AugMix"
    augments_not = "Keras draws its operations outside of its seed, so no run could be repeated: use `rand_augment`"
    value_range = value_range()
    num_chains = integer(min=1, default=3, doc="Number of changed versions.")
    chain_depth = integer(min=1, default=3, doc="Largest number of changes, one after another, in each version.")
    factor = extent(0, 1, "Strength of the changes, or both ends of it.", 0.3)
    alpha = number(above=0, default=1.0, doc="Evenness of the mixture (of its beta and Dirichlet distributions).")
    all_ops = boolean(default=True, doc="Whether brightness, colour, contrast and sharpness are changed too.")
    interpolation = interpolation()
    seed = seed()
    data_format = data_format()
    examples = (
        example("", (28, 28, 3)),
        example("{num_chains: 2, chain_depth: 1, factor: [0.1, 0.3], all_ops: false}", (28, 28, 1)),
    )

    def channels_taken(self) -> tuple[int, ...]:
        """Changes of colour need colours, or grey."""
        return (1, 3) if self.all_ops else ()


class RandAugment(RandomImageLayer):
    """Changes images by a few operations chosen at random.

    Keras also takes a dictionary with labels and bounding boxes, which are changed alike.
    """

    keras = "keras.layers.RandAugment"
    colours = (1, 3)
    value_range = value_range()
    num_ops = integer(min=1, max=11, default=2, doc="Number of operations, one after another.")
    factor = extent(0, 1, "Strength of the changes, or both ends of it.", 0.5)
    interpolation = interpolation()
    seed = seed()
    data_format = data_format()
    examples = (example("", (28, 28, 3)), example("{num_ops: 3, factor: [0.1, 0.4], value_range: [0, 1]}", (28, 28, 3)))


class MixUp(RandomImageLayer):
    """Adds a share of another image of the batch to each image.

    Keras also takes a dictionary with labels, which are mixed alike; images alone leave the targets as they are.
    """

    keras = "keras.layers.MixUp"
    mixes_labels = True
    shorthand = "alpha"
    alpha = number(above=0, default=0.2, doc="Evenness of the mixture (of its beta distribution).")
    data_format = data_format()
    seed = seed()
    examples = (example("", (28, 28, 3)), example("0.4", (None, None, 1)))


class CutMix(RandomImageLayer):
    """Replaces a rectangle of each image by that of another image of the batch.

    Keras also takes a dictionary with labels, which are mixed alike; images alone leave the targets as they are.
    """

    keras = "keras.layers.CutMix"
    mixes_labels = True
    shorthand = "factor"
    factor = extent(0, 1, "Variability of the rectangle's area, or both ends of it.", 1.0)
    seed = seed()
    data_format = data_format()
    examples = (example("", (28, 28, 3)), example("[0.2, 0.8]", (None, None, 1)))


class MaxNumBoundingBoxes(ImageLayer):
    """Brings the bounding boxes of each image to one number; images alone come out unchanged.

    Keras takes a dictionary with the boxes, which a spec cannot give yet.
    """

    keras = "keras.layers.MaxNumBoundingBoxes"
    masking = "pass"
    shorthand = "max_number"
    max_number = integer(min=1, doc="Number of boxes of each image.")
    fill_value = integer(default=-1, doc="Value of the boxes that are added.")
    examples = (example("10", (28, 28, 3)),)
