"""Preparation of numbers and categories inside the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.axes import axis_indices
from dlspec.components.layers.base import Layer
from dlspec.components.layers.merging import ListLayer, list_shapes
from dlspec.components.registry import Field, boolean, choice, example, integer, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, known, show_shape

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ONE_OR_MANY = {"type": ["number", "array"], "items": {"type": "number"}, "minItems": 1}
MODES = "`int` gives indices, `one_hot` a row per item, `multi_hot` and `count` one row for all items of an example."


def encoded_shape(x: Tensor, mode: str, depth: int | None, who: str) -> Shape:
    """Shape of encoded categories.

    Raises:
        Problem: E402, several items of an example would be counted over more than one axis.
    """
    if mode == "int":
        return x.shape
    if mode == "one_hot":
        return (*(x.shape[:-1] if x.shape[-1:] == (1,) else x.shape), depth)
    if x.rank != 1:
        message = (
            f"{who} with `output_mode: {mode}` takes 1 axis of items, but the input has shape {show_shape(x.shape)}"
        )
        raise Problem("E402", message, "bring it to one axis with `reshape` or `flatten`", "output_mode")
    return (depth,)


def lacking_encoding(mode: str, *inputs: Tensor) -> tuple[str, ...]:
    """Formats of ``dlspec export`` without operations for a mode: LiteRT cannot count, and ONNX no more than LiteRT can
    tell a single item of an example from several where their number is not known.
    """
    if mode == "one_hot":
        return ("onnx", "litert") if any(x.shape[-1:] == (None,) for x in inputs) else ()
    return () if mode == "int" else ("litert",)


def check_numeric(x: Tensor, who: str) -> None:
    """Raises E409 for text."""
    if x.dtype == "string":
        message = f"{who} takes numbers, but the input has dtype string"
        raise Problem("E409", message, "turn text into indices first, for example with `string_lookup`")


def check_hashable(x: Tensor, who: str) -> None:
    """Raises E409 for what is neither text nor a whole number."""
    if x.floating or x.dtype == "bool":
        message = f"{who} takes text or whole numbers, but the input has dtype {x.dtype}"
        raise Problem("E409", message, "use `discretization` for numbers")


class Rescaling(Layer):
    """Multiplies by a constant and adds another one."""

    keras = "keras.layers.Rescaling"
    prepares = True
    undoable = True
    shorthand = "scale"
    masking = "pass"
    stepwise = "features"
    scale = plain(_ONE_OR_MANY, doc="The factor, or one for each element of the last axis.")
    offset = plain(_ONE_OR_MANY, default=0.0, doc="Summand, or one number for each element of the last axis.")
    examples = (
        example("1 / 255", (28, 28, 1), dtype="uint8"),
        example("{scale: [0.1, 0.2, 0.3], offset: -1}", (8, 8, 3)),
    )

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        check_numeric(x, self.name)
        for option, value in (("scale", self.scale), ("offset", self.offset)):
            if isinstance(value, list) and (x.rank == 0 or len(value) not in (1, x.shape[-1] or len(value))):
                message = f"rescaling has {len(value)} numbers in `{option}`, the input has shape {show_shape(x.shape)}"
                raise Problem("E402", message, "give one number, or one for each element of the last axis", option)
        return Tensor(x.shape, self.compute_dtype)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Two operations per element."""
        return 2 * output.size

    @property
    def falls(self) -> bool:
        """Whether a factor is below 0."""
        return any(factor < 0 for factor in (self.scale if isinstance(self.scale, list) else [self.scale]))

    def check_undoable(self) -> None:
        """A factor of 0 makes all numbers one."""
        super().check_undoable()
        if 0 in (self.scale if isinstance(self.scale, list) else [self.scale]):
            message = "a `scale` of 0 cannot be undone in the answers, as `prepare` of a target has to be"
            raise Problem("E207", message, "give another factor", option="prepare")

    def measured(self, values: Array) -> Array | None:
        """The scaled values; None where features have different factors."""
        if isinstance(self.scale, list) or isinstance(self.offset, list):
            return None
        scaled: Array = values * self.scale + self.offset
        return scaled


class Normalization(Layer):
    """Brings features to mean 0 and variance 1, by statistics of the training data or given ones."""

    keras = "keras.layers.Normalization"
    weighs_measures = True
    prepares = True
    undoable = True
    masking = "pass"
    axis = optional(plain({"type": ["integer", "array"], "items": {"type": "integer"}, "maxItems": 8}))
    axis.default = -1
    axis.doc = "The axes that have statistics of their own, batch counted as 0; null for one mean over everything."
    mean = optional(plain(_ONE_OR_MANY), doc="Known means; measured on the training data unless given.")
    variance = optional(plain(_ONE_OR_MANY), doc="Known variances; measured on the training data unless given.")
    invert = boolean(default=False, doc="Whether to undo a normalization instead.")
    examples = (
        example("", (20,)),
        example("{axis: null}", (8, 8, 3)),
        example("{mean: [0.5, 0.4, 0.3], variance: [0.1, 0.1, 0.2]}", (8, 8, 3)),
    )

    @property
    def adapts(self) -> bool:
        """Whether the layer measures the training data before it can be used."""
        return self.mean is None

    @property
    def _axes(self) -> list[int]:
        return [] if self.axis is None else [self.axis] if isinstance(self.axis, int) else list(self.axis)

    def validate(self) -> None:
        """Mean and variance come together and are alike; 16 bits cannot hold them."""
        if "16" in (self.dtype or ""):
            message = f"normalization in {self.compute_dtype}: its means and variances do not fit into 16 bits"
            raise Problem("E207", message, "leave `dtype` out: it computes in float32 under any `precision`", "dtype")
        if (self.mean is None) != (self.variance is None):
            message = "normalization needs both `mean` and `variance`, or neither"
            raise Problem("E207", message, "", "variance" if self.mean is not None else "mean")
        if _count(self.mean) != _count(self.variance):
            message = f"normalization has {_many(self.mean)} in `mean` and {_many(self.variance)} in `variance`"
            raise Problem("E207", message, "give as many of each", "variance")
        if isinstance(self.mean, list) and not self._axes:
            raise Problem("E207", "normalization with `axis: null` has one mean, but `mean` is a list", "", "mean")

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        check_numeric(x, self.name)
        sizes = self._sizes(x)
        if isinstance(self.mean, list) and len(self.mean) not in (1, sizes[-1]):
            message = f"normalization has {_many(self.mean)} in `mean`, but the axis has size {sizes[-1]}"
            raise Problem("E402", message, "give one for each feature", "mean")
        return Tensor(x.shape, self.compute_dtype)

    def measured(self, values: Array) -> Array | None:
        """The standardized values of one feature; None unless the layer learns its statistics."""
        if not self.adapts or self.invert or not values.size:
            return None
        scaled: Array = (values - values.mean()) / (values.std() or 1)
        return scaled

    def _sizes(self, x: Tensor) -> tuple[int, ...]:
        return tuple(known(x, axis, self.name) for axis in sorted(axis_indices(self._axes, x, self.name)))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Measured mean and variance of each feature, and the count; none where they are given."""
        if self.adapts:
            yield Weight("mean", self._sizes(x), trainable=False)
            yield Weight("variance", self._sizes(x), trainable=False)
            yield Weight("count", (), dtype="int64", trainable=False)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Two operations per element."""
        return 2 * output.size


def _count(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


def _many(value: Any) -> str:
    if not isinstance(value, list):
        return "one number"
    return f"{len(value)} number" + ("s" if len(value) > 1 else "")


class CategoryEncoding(Layer):
    """Encodes whole numbers from 0 on as rows of zeros and ones."""

    keras = "keras.layers.CategoryEncoding"
    prepares = True
    whole_numbers = True
    counts_by = "num_tokens"
    arguments = ("inputs", "count_weights?")
    positional = 1
    shorthand = "num_tokens"
    num_tokens = integer(min=1, doc="Number of categories.")
    output_mode = choice("multi_hot", "one_hot", "count", default="multi_hot", doc=MODES)
    examples = (
        example("5", (3,), dtype="int32"),
        example("{num_tokens: 5, output_mode: one_hot}", (1,), dtype="int32"),
        example("{num_tokens: 5, output_mode: one_hot}", (None,), dtype="int32"),
    )

    def lacking_in(self, *inputs: Tensor) -> tuple[str, ...]:
        """Export formats that lack what the output mode needs."""
        return lacking_encoding(self.output_mode, *inputs)

    def infer(self, x: Tensor, count_weights: Tensor | None = None) -> Tensor:
        """[items] → [num_tokens], or [items, num_tokens] with `one_hot`."""
        check_numeric(x, self.name)
        if count_weights is not None and self.output_mode != "count":
            message = f"category_encoding takes `count_weights` only with `output_mode: count`, not {self.output_mode}"
            raise Problem("E405", message, "set `output_mode: count`", "output_mode")
        return Tensor(encoded_shape(x, self.output_mode, self.num_tokens, self.name), self.compute_dtype)


class Discretization(Layer):
    """Sorts numbers into bins."""

    keras = "keras.layers.Discretization"
    prepares = True
    trainable: Any = True  # Keras's constructor takes no `trainable` here, and there is nothing to train
    bin_boundaries = optional(
        plain({"type": "array", "items": {"type": "number"}, "minItems": 1}), doc="The limits between the bins, rising."
    )
    num_bins = optional(integer(min=1, doc="Number of bins, measured on the training data."))
    epsilon = number(above=0, below=1, default=0.01, doc="Error of the measured limits, as a share of the data.")
    output_mode = choice("int", "one_hot", "multi_hot", "count", default="int", doc=MODES)
    examples = (
        example("{bin_boundaries: [0.0, 1.0, 2.0]}", (4,)),
        example("{num_bins: 4, output_mode: one_hot}", (1,)),
        example("{bin_boundaries: [0.5], output_mode: count}", (6, 3)),
    )

    @property
    def adapts(self) -> bool:
        """Whether the layer measures the training data before it can be used."""
        return self.bin_boundaries is None

    def lacking_in(self, *inputs: Tensor) -> tuple[str, ...]:
        """ONNX has no bins, and LiteRT what its mode says."""
        return ("onnx", *lacking_encoding(self.output_mode, *inputs))

    def validate(self) -> None:
        """Either the limits or their number is given."""
        if (self.bin_boundaries is None) == (self.num_bins is None):
            both = "not both" if self.num_bins else "but has neither"
            message = f"discretization needs `bin_boundaries` or `num_bins`, {both}"
            raise Problem("E207", message, "", "num_bins" if self.num_bins else "")
        limits: list[float] = self.bin_boundaries or []
        if limits != sorted(limits):
            raise Problem(
                "E207", f"discretization has falling `bin_boundaries` {limits}", "sort them", "bin_boundaries"
            )

    def infer(self, x: Tensor) -> Tensor:
        """[items, …] → the same with `int`, […, bins] with `count` and `multi_hot`, [items, …, bins] with `one_hot`."""
        check_numeric(x, self.name)
        depth = len(self.bin_boundaries) + 1 if self.bin_boundaries is not None else self.num_bins
        if self.output_mode in ("multi_hot", "count") and x.rank > 0:
            return Tensor((*x.shape[1:], depth), self.compute_dtype)
        shape = encoded_shape(x, self.output_mode, depth, self.name)
        return Tensor(shape, "int32" if self.output_mode == "int" else self.compute_dtype)


class Hashing(Layer):
    """Sorts text or whole numbers into bins by a hash, so that no vocabulary is needed."""

    keras = "keras.layers.Hashing"
    prepares = True
    formats_lacking = ("onnx", "litert")
    shorthand = "num_bins"
    whole_numbers = True
    trainable: Any = True  # nothing to train
    dtype: Any = None  # the output has the dtype of an index or a float
    num_bins = integer(min=1, doc="Number of bins.")
    mask_value = optional(plain({"type": ["string", "integer"]}), doc="A value that gets bin 0 for itself.")
    salt: Field[Any] = optional(
        plain({"type": ["integer", "array"], "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
        doc="Makes the hash a keyed one, safe against chosen values.",
    )
    output_mode = choice("int", "one_hot", "multi_hot", "count", default="int", doc=MODES)
    examples = (
        example("100", (), dtype="string"),
        example("{num_bins: 10, output_mode: multi_hot}", (4,), dtype="int64"),
    )

    def infer(self, x: Tensor) -> Tensor:
        """[items] → the same with `int`, else [num_bins]."""
        check_hashable(x, self.name)
        if self.output_mode == "one_hot" and x.shape[-1:] != (1,):
            message = (
                f"hashing with `output_mode: one_hot` takes one item, but the input has shape {show_shape(x.shape)}"
            )
            raise Problem("E402", message, "use `output_mode: int` and `category_encoding` after it", "output_mode")
        shape = encoded_shape(x, self.output_mode, self.num_bins, self.name)
        return Tensor(shape, "int64" if self.output_mode == "int" else "float32")


class HashedCrossing(ListLayer):
    """Sorts pairs of categories into bins by a hash of both, so that each combination counts for itself."""

    keras = "keras.layers.HashedCrossing"
    prepares = True
    formats_lacking = ("onnx", "litert")
    masking = "drop"
    maximum_inputs = 2
    trainable: Any = True  # nothing to train
    dtype: Any = None  # the output has the dtype of an index or a float
    num_bins = integer(min=1, doc="Number of bins.")
    output_mode = choice(
        "int", "one_hot", default="int", doc="`int` gives indices, `one_hot` a row of zeros and a one."
    )
    examples = (
        example("{num_bins: 10}", (), (), dtype="string"),
        example("{num_bins: 5, output_mode: one_hot}", (1,), (1,), dtype="int32"),
    )

    def infer(self, inputs: list[Tensor]) -> Tensor:
        """Two single items → one index with `int`, [num_bins] with `one_hot`."""
        self.check_count(inputs)
        for x in inputs:
            check_hashable(x, self.name)
        shapes = [x.shape for x in inputs]
        if shapes[0] != shapes[1] or shapes[0] not in ((), (1,)):
            message = f"hashed_crossing takes two single items, but the inputs have {list_shapes(inputs)}"
            raise Problem("E402", message, "give both inputs the shape [] or both [1]")
        if self.output_mode == "int":
            return Tensor(shapes[0], "int64")
        return Tensor((self.num_bins,), "float32")
