"""Dense layers, embeddings, masks and the identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlspec.components.layers.base import Layer, activation, activation_flops, constraint, initializer, regularizer
from dlspec.components.registry import boolean, choice, example, integer, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known


class Dense(Layer):
    """Multiplies the last axis with a learned matrix, adds a bias and applies an activation."""

    keras = "keras.layers.Dense"
    unit_kernel = True
    affine = True
    scalable = True
    shorthand = "units"
    masking = "pass"
    stepwise = "features"
    units = integer(min=1, doc="Size of the output's last axis.")
    activation = activation()
    use_bias = boolean(default=True, doc="Whether to add a bias.")
    kernel_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the kernel")
    bias_regularizer = regularizer("the bias")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the kernel")
    bias_constraint = constraint("the bias")
    examples = (example("10", (64,)), example("{units: 8, activation: relu, use_bias: false}", (7, 3)))

    @property
    def adaptable(self) -> tuple[str, ...]:
        """The kernel."""
        return ("kernel",)

    def infer(self, x: Tensor) -> Tensor:
        """[…, features] → […, units]."""
        known(x, -1, self.name)
        return Tensor((*x.shape[:-1], self.units), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [features, units] and bias [units]."""
        yield Weight("kernel", (known(x, -1, self.name), self.units))
        if self.use_bias:
            yield Weight("bias", (self.units,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """One multiply-add per kernel element for each position; one addition per output for the bias."""
        per_output = 2 * known(x, -1, self.name) + self.use_bias
        return output.size * per_output + activation_flops(self.activation, output)


_FILE = {
    "type": "object", "required": ["file"], "additionalProperties": False,
    "properties": {"file": {"type": "string", "minLength": 1}},
}  # fmt: skip


class _Vectors(Layer, abstract=True):
    """Rules of the layers that look up learned vectors."""

    gradient_by_rows = True
    counts_by = "input_dim"
    stepwise = "elements"
    input_dim: Any
    output_dim: Any

    @property
    def adaptable(self) -> tuple[str, ...]:
        """The vectors."""
        return ("embeddings",)

    def infer(self, x: Tensor) -> Tensor:
        """[…] → […, output_dim]."""
        if x.dtype in ("string", "bool"):
            message = f"{self.name} takes whole numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "turn text into indices first, for example with `string_lookup`")
        return Tensor((*x.shape, self.output_dim), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Vectors [input_dim, output_dim]."""
        yield Weight("embeddings", (self.input_dim, self.output_dim))


class Embedding(_Vectors):
    """Turns whole numbers, such as word indices, into learned vectors."""

    keras = "keras.layers.Embedding"
    apart = ("vectors",)
    input_dim = integer(min=1, doc="Number of vectors: the largest index plus 1.")
    output_dim = integer(min=1, doc="Size of each vector.")
    embeddings_initializer = initializer("uniform", "the vectors")
    embeddings_regularizer = regularizer("the vectors")
    embeddings_constraint = constraint("the vectors")
    mask_zero = boolean(default=False, doc="Whether index 0 is padding that later layers skip.")
    vectors = optional(
        plain(_FILE),
        doc="`{file: glove.txt}`: a text file of GloVe, word2vec or fastText; the words that it knows begin with the "
        "vectors that stand there.",
    )
    examples = (
        example("{input_dim: 1000, output_dim: 16}", (20,), dtype="int32"),
        example("{input_dim: 50, output_dim: 8, mask_zero: true}", (None,), dtype="int64"),
        example("{input_dim: 10, output_dim: 4}", ()),
    )

    def mask(self, x: Tensor) -> bool:
        """Whether the output carries a mask: with `mask_zero`, index 0 is masked."""
        return self.mask_zero


class ReversibleEmbedding(_Vectors):
    """Turns whole numbers into learned vectors; made by Keras for language models that also map vectors back.

    A spec cannot call it in reverse yet.
    """

    keras = "keras.layers.ReversibleEmbedding"
    input_dim = integer(min=1, doc="Number of vectors: the largest index plus 1.")
    output_dim = integer(min=1, doc="Size of each vector.")
    tie_weights = boolean(default=True, doc="Whether the way back uses the same vectors.")
    embeddings_initializer = initializer("uniform", "the vectors")
    embeddings_regularizer = regularizer("the vectors")
    embeddings_constraint = constraint("the vectors")
    mask_zero = boolean(default=False, doc="Whether index 0 is padding that later layers skip.")
    reverse_dtype = optional(
        choice("float16", "bfloat16", "float32", "float64"),
        doc="Data type of the way back; that of the layer unless given.",
    )
    logit_soft_cap = optional(number(above=0), doc="Limit that the results of the way back are bent under.")
    examples = (
        example("{input_dim: 1000, output_dim: 16}", (20,), dtype="int32"),
        example("{input_dim: 50, output_dim: 8, tie_weights: false}", (None,), dtype="int32"),
        example("{input_dim: 10, output_dim: 4, reverse_dtype: float32, logit_soft_cap: 30}", ()),
    )

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Vectors [input_dim, output_dim], and others [output_dim, input_dim] for the way back unless tied."""
        yield from super().weights(x)
        if not self.tie_weights:
            yield Weight("reverse_embeddings", (self.output_dim, self.input_dim))

    def mask(self, x: Tensor) -> bool:
        """Whether the output carries a mask: with `mask_zero`, index 0 is masked, although Keras's graph shows none."""
        return self.mask_zero


class Masking(Layer):
    """Marks the steps in which every feature has one value, so that later layers skip them."""

    keras = "keras.layers.Masking"
    shorthand = "mask_value"
    masking = "pass"
    mask_value = number(default=0.0, doc="The value that marks a step.")
    examples = (example("", (None, 4)), example("-1", (10, 4)))

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        if x.rank == 0:
            raise Problem("E402", "masking needs an axis of features, but the input has shape []")
        return Tensor(x.shape, self.compute_dtype)

    def mask(self, x: Tensor) -> bool:
        """True: the layer creates a mask."""
        return True


class Identity(Layer):
    """Passes its input on."""

    keras = "keras.layers.Identity"
    keeps_range = True
    masking = "pass"
    stepwise = "elements"
    examples = (example("", (7, 3)), example("", (None,), dtype="int32"))

    def infer(self, x: Tensor) -> Tensor:
        """The type of the input."""
        return Tensor(x.shape, self.compute_dtype if x.floating else x.dtype)
