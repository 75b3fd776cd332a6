"""Layers of transformers that Keras lacks: positions, class token, patches, and what ends a residual branch."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import Layer, constraint, initializer, regularizer, seed
from dlspec.components.layers.ours import Same, check_axes
from dlspec.components.registry import example, integer, number, optional, sizes
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape


class SinusoidalPositionalEncoding(Same):
    """Adds sines and cosines of the position to each step of a sequence.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.5. The paper multiplies the embeddings by the
    root of their size before.
    """

    keras = "dlspec.keras_layers.SinusoidalPositionalEncoding"
    stepwise = "positions"
    axes = "[steps, features]"
    least = 2
    max_wavelength = number(min=1, default=10000.0, doc="Longest wavelength, divided by 2π.")
    examples = (example("", (None, 64)), example("{max_wavelength: 100}", (7, 5)))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One addition per element: the encoding is a constant."""
        return output.size


class PositionalEmbedding(Same):
    """Adds a learned vector for its position to each step of a sequence.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.5, after Gehring et al. 2017; used by BERT
    and ViT.
    """

    keras = "dlspec.keras_layers.PositionalEmbedding"
    stepwise = "positions"
    shorthand = "max_length"
    axes = "[steps, features]"
    least = 2
    max_length = optional(integer(min=1), doc="Number of vectors; the number of steps of the input unless given.")
    embeddings_initializer = initializer("uniform", "the vectors")
    embeddings_regularizer = regularizer("the vectors")
    embeddings_constraint = constraint("the vectors")
    examples = (example("", (197, 64)), example("512", (None, 64)))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Vectors [max_length, features]."""
        steps = x.shape[-2]
        if self.max_length is None and steps is None:
            message = f"{self.name} needs the number of steps, but the input has shape {show_shape(x.shape)}"
            raise Problem("E408", message, "give `max_length`, or the size in `inputs`")
        length = self.max_length or steps or 0
        if (steps or 0) > length:
            message = f"{self.name} has `max_length: {length}`, but the input has {steps} steps"
            raise Problem("E402", message, "give at least as many vectors as steps", "max_length")
        yield Weight("embeddings", (length, known(x, -1, self.name)))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One addition per element."""
        return output.size


class ClassToken(Layer):
    """Puts a learned step before a sequence; a classifier then reads what becomes of it.

    Source: Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words", section 3.1, equation 1.
    """

    keras = "dlspec.keras_layers.ClassToken"
    masking = "pass"
    initializer = initializer("zeros", "the token")
    regularizer = regularizer("the token")
    examples = (example("", (196, 64)), example("{initializer: {random_normal: 0.02}}", (None, 8)))

    def infer(self, x: Tensor) -> Tensor:
        """[steps, features] → [steps + 1, features]."""
        check_axes(x, self.name, "[steps, features]", 2, 2)
        steps = x.shape[0]
        return Tensor((None if steps is None else steps + 1, known(x, -1, self.name)), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The learned vector, shape [1, 1, features]."""
        yield Weight("token", (1, 1, known(x, -1, self.name)))


class PatchExtraction(Layer):
    """Cuts an image into a sequence of flat patches, row by row; learns nothing.

    Source: Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words", section 3.1. A `dense` behind it is the paper's
    linear projection.
    """

    keras = "dlspec.keras_layers.PatchExtraction"
    keeps_range = True
    shorthand = "patch_size"
    rank = 2
    patch_size = sizes(doc="Height and width of a patch in pixels; they divide those of the image.")
    examples = (example("16", (224, 224, 3)), example("{patch_size: [2, 4]}", (None, 8, 3)))

    def infer(self, x: Tensor) -> Tensor:
        """[height, width, channels] → [patches, pixels of a patch × channels]."""
        check_axes(x, self.name, "[height, width, channels]", 3, 3)
        count: int | None = 1
        for size, patch in zip(x.shape[:2], self.patch_size, strict=True):
            if size is not None and size % patch:
                message = f"{self.name} cuts patches of {patch} pixels, which do not divide the {size} of the input"
                raise Problem("E402", message, "use `resizing` or `center_crop` before it", "patch_size")
            count = None if size is None or count is None else count * (size // patch)
        down, across = self.patch_size
        channels = x.shape[2]
        return Tensor((count, None if channels is None else down * across * channels), self.compute_dtype)


class LayerScale(Same):
    """Multiplies each channel by a learned factor that starts small; stands at the end of a residual branch.

    Source: Touvron et al. 2021, "Going deeper with Image Transformers", section 2, equation 4. The paper starts with
    0.1 for up to 18 blocks, 1e-5 for up to 24 and 1e-6 for more.
    """

    keras = "dlspec.keras_layers.LayerScale"
    stepwise = "features"
    shorthand = "initial_value"
    initial_value = number(default=1e-5, doc="Value of the factors before training.")
    examples = (example("", (196, 64)), example("0.1", (None, 8)))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """One factor per channel."""
        yield Weight("gamma", (known(x, -1, self.name),))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One multiplication per element."""
        return output.size


class StochasticDepth(Same):
    """Sets whole examples to zero during training and scales up the others; ends a residual branch.

    Source: Huang et al. 2016, "Deep Networks with Stochastic Depth", section 3. The paper multiplies by 1 - rate in
    use; here training divides by it instead, as `dropout` does.
    """

    keras = "dlspec.keras_layers.StochasticDepth"
    aid = "regularizer"
    stepwise = "features"
    shorthand = "rate"
    least = 0
    rate = number(min=0, below=1, doc="Share of the examples that skip the branch.")
    seed = seed()
    examples = (example("0.1", (28, 28, 8)), example("{rate: 0.2, seed: 3}", (None, 64)))
