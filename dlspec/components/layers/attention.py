"""Attention: each step of a query gathers what it needs from the steps of a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dlspec.components.layers.axes import axes, axis_indices
from dlspec.components.layers.base import Layer, Outputs, constraint, drop_rate, initializer, regularizer, seed
from dlspec.components.layers.merging import ListLayer
from dlspec.components.registry import Field, boolean, choice, example, integer, integers, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, known, show_shape, volume


def causal() -> Field[bool]:
    """The ``use_causal_mask`` option."""
    return boolean(default=False, doc="Whether each step of the query attends to no later step, as in a decoder.")


def scores() -> Field[bool]:
    """The ``return_attention_scores`` option."""
    return boolean(default=False, doc="Whether to return the attention as a second tensor: `name: [result, scores]`.")


class _ListAttention(ListLayer, abstract=True):
    """Rules of the attention layers that take one list: query, value, and a key that is the value unless given."""

    maximum_inputs = 3
    listed = ("query", "value", "key")
    stepwise = "attention"
    call_options = ("use_causal_mask", "return_attention_scores")
    # Declared as an option by each layer, after those of Keras's constructor.
    return_attention_scores: Any
    use_causal_mask: Any

    def infer(self, inputs: list[Tensor]) -> Outputs:
        """Query […, steps, d], value […, n, v], key [n, d] → [steps, v], and scores [steps, n]."""
        self.check_count(inputs)
        query, value, key = inputs[0], inputs[1], inputs[-1]
        received = _received(query=query, value=value, **({"key": key} if len(inputs) > 2 else {}))
        if query.rank < 2 or {value.rank, key.rank} != {query.rank}:
            raise Problem("E402", f"{self.name} expects [steps, features] of each input, but got {received}", _SEQUENCE)
        if value.rank != 2 and value.masked and not self.use_causal_mask:
            # Keras adds the axis of the query's steps to a mask of [batch, steps] only.
            message = f"{self.name} can use the masks of [steps, features] only, but got {received}"
            raise Problem("E402", message, "mask after it, or bring the inputs to two axes")
        if _differ(value.shape[-2], key.shape[-2]):
            raise Problem("E402", f"{self.name} needs as many steps in key as in value, but got {received}")
        if any(size not in (1, other) and None not in (size, other) for size, other in _leading(query, value, key)):
            raise Problem("E402", f"{self.name} needs equal axes before the steps, but got {received}")
        if _differ(query.shape[-1], key.shape[-1]):
            fix = "bring them to one size with a `dense` before it"
            raise Problem("E402", f"{self.name} needs as many features in key as in query, but got {received}", fix)
        for _ in self.weights(inputs):
            pass
        result = Tensor((*query.shape[:-1], value.shape[-1]), self.compute_dtype)
        if not self.return_attention_scores:
            return result
        return result, Tensor((*query.shape[:-1], key.shape[-2]), self.compute_dtype)

    def flops(self, output: Tensor, inputs: list[Tensor]) -> int:
        """Scores and the weighted sum: one multiply-add per feature for each pair of steps; softmax: one per pair."""
        query, value = inputs[0], inputs[1]
        pairs = Tensor((*query.shape[:-1], value.shape[-2])).size
        return pairs * (2 * known(query, -1, self.name) + 1) + 2 * output.size * Tensor((value.shape[-2],)).size

    def mask(self, inputs: list[Tensor]) -> bool:
        """The output has the query's mask."""
        return inputs[0].masked

    def padding_counts(self, inputs: list[Tensor]) -> str:
        """A mask of the value counts with the axes [steps, features] only; "" where it does."""
        if inputs[1].masked and inputs[1].rank != 2:
            return f"is not looked at here: {self.name} uses those of [steps, features] only"
        return ""


class Attention(_ListAttention):
    """Dot-product attention without weights (Luong)."""

    keras = "keras.layers.Attention"
    use_scale = boolean(default=False, doc="Whether to multiply the scores by a learned number.")
    score_mode = choice("dot", "concat", default="dot", doc="How scores are made: dot product, or tanh of the sum.")
    dropout = drop_rate("the attention")
    seed = seed()
    use_causal_mask = causal()
    return_attention_scores = scores()
    examples = (
        example("{use_causal_mask: true}", (10, 8), (10, 8)),
        example("{return_attention_scores: true}", (10, 8), (12, 8)),
        example("{use_scale: true, score_mode: concat}", (None, 8), (12, 6), (12, 8)),
    )

    def weights(self, inputs: list[Tensor]) -> Iterable[Weight]:
        """Scale and score weight, as far as the options ask for them: single numbers."""
        if self.use_scale:
            yield Weight("scale", ())
        if self.score_mode == "concat":
            yield Weight("concat_score_weight", ())


class AdditiveAttention(_ListAttention):
    """Additive attention (Bahdanau)."""

    keras = "keras.layers.AdditiveAttention"
    use_scale = boolean(default=True, doc="Whether to multiply by learned factors, one per feature.")
    dropout = drop_rate("the attention")
    use_causal_mask = causal()
    return_attention_scores = scores()
    examples = (
        example("", (10, 8), (12, 8)),
        example("{use_scale: false, return_attention_scores: true}", (10, 8), (None, 6), (None, 8)),
    )

    def weights(self, inputs: list[Tensor]) -> Iterable[Weight]:
        """The scale, one factor per feature."""
        if self.use_scale:
            yield Weight("scale", (known(inputs[0], -1, self.name),))


class _ProjectedAttention(Layer, abstract=True):
    """Attention with learned projections of query, key and value, and one of the result."""

    holds_layers = True
    arguments = ("query", "value", "key?", "attention_mask?")
    positional = 3
    masking = "pass"
    stepwise = "attention"
    call_options = ("use_causal_mask", "return_attention_scores")
    # Declared as options by each layer, in Keras's order.
    dropout: Any
    flash_attention: Any
    use_bias: Any
    use_gate: Any
    return_attention_scores: Any

    @property
    def adaptable(self) -> tuple[str, ...]:
        """The kernels of all projections."""
        names = ("query", "key", *(("gate",) if self.use_gate else ()), "value", "attention_output")
        return tuple(f"{name}/kernel" for name in names)

    def validate(self) -> None:
        """Flash attention knows no dropout and makes no scores."""
        if self.flash_attention and self.dropout:
            message = f"{self.name} has `flash_attention` and `dropout` together"
            raise Problem("E207", message, "set `dropout: 0`, or leave `flash_attention` out", "flash_attention")
        if self.flash_attention and self.return_attention_scores:
            message = f"{self.name} has `flash_attention`, which makes no scores to return"
            raise Problem("E207", message, "leave `flash_attention` out", "return_attention_scores")

    def _check_mask(self, query: Tensor, value: Tensor, mask: Tensor | None) -> None:
        """Raises E402 or E409 for an ``attention_mask`` that is no table of [steps, steps of value]."""
        if mask is None:
            return
        received = _received(query=query, value=value, attention_mask=mask)
        steps = (query.shape[0], value.shape[0])
        if (
            query.rank != 2
            or mask.rank != 2
            or any(size != 1 and _differ(size, count) for size, count in zip(mask.shape, steps, strict=True))
        ):
            message = f"{self.name} needs `attention_mask` [steps of query, steps of value], but got {received}"
            raise Problem(
                "E402", message, "an axis of size 1 counts for all steps: [1, steps] hides steps of the value"
            )
        if mask.dtype == "string":
            raise Problem("E409", f"{self.name} needs numbers or truth values as `attention_mask`, but got text")

    def _scores(self, query: Tensor, value: Tensor, heads: int) -> Tensor:
        """Type of the second output, [heads, steps of query, steps of value]."""
        return Tensor((heads, query.shape[0], value.shape[0]), self.compute_dtype)

    def shapes(self, query: Tensor, value: Tensor, key: Tensor) -> list[tuple[str, Shape, Shape]]:
        """Name, bound axes and made axes of each projection, in Keras's order."""
        raise NotImplementedError

    def weights(
        self, query: Tensor, value: Tensor, key: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> Iterable[Weight]:
        """Kernel and bias of the projections of query, key, (gate,) value and output."""
        for name, bound, made in self.shapes(query, value, key or value):
            yield Weight(f"{name}/kernel", (*_sizes(bound), *_sizes(made)))
            if self.use_bias:
                yield Weight(f"{name}/bias", _sizes(made))

    def projection_flops(self, query: Tensor, value: Tensor, key: Tensor) -> int:
        """A multiply-add per kernel element at each step, one addition per bias."""
        steps = {"key": key.shape[:-1], "value": value.shape[:-1]}
        return sum(
            volume(steps.get(name, query.shape[:-1])) * volume(made) * (2 * volume(bound) + self.use_bias)
            for name, bound, made in self.shapes(query, value, key)
        )


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(size for size in shape if size is not None)


class MultiHeadAttention(_ProjectedAttention):
    """Several attentions side by side, each on its own projection of query, key and value."""

    keras = "keras.layers.MultiHeadAttention"
    unmasks = ("query", "value", "key")
    num_heads = integer(min=1, doc="Number of attentions side by side.")
    key_dim = integer(min=1, doc="Features of query and key in each head.")
    value_dim = optional(integer(min=1, doc="Features of the value in each head; `key_dim` unless given."))
    dropout = drop_rate("the attention")
    use_bias = boolean(default=True, doc="Whether the projections add a bias.")
    output_shape = optional(integers(min=1, single=True, doc="Features of the output; the query's unless given."))
    attention_axes = optional(axes(default=1, doc="Axes to attend over, all but the features unless given."))
    sliding_window = optional(integer(min=1, doc="How many steps away the farthest step is that can be attended to."))
    flash_attention = optional(boolean(doc="Whether to use the faster kernel where the device has it."))
    kernel_initializer = initializer("glorot_uniform", "the projections")
    bias_initializer = initializer("zeros", "the biases")
    kernel_regularizer = regularizer("the projections")
    bias_regularizer = regularizer("the biases")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the projections")
    bias_constraint = constraint("the biases")
    use_gate = boolean(default=False, doc="Whether a learned gate, made of the query, weighs the result.")
    seed = seed()
    use_causal_mask = causal()
    return_attention_scores = scores()
    examples = (
        example("{num_heads: 2, key_dim: 16}", (10, 32), (10, 32)),
        example(
            "{num_heads: 3, key_dim: 4, value_dim: 5, output_shape: 7, use_gate: true}", (None, 8), (6, 9), (6, 10)
        ),
        example("{num_heads: 2, key_dim: 4, use_bias: false, attention_axes: [1]}", (6, 5, 8), (7, 5, 8)),
        example("{num_heads: 2, key_dim: 4, return_attention_scores: true}", (None, 8), (None, 8)),
    )

    @classmethod
    def implied(cls, option: str, options: Mapping[str, Any], axes: int | None) -> Any:
        """Values are as long as keys; all axes between the batch and the features are attended over."""
        if option == "attention_axes":
            return None if axes is None else list(range(1, axes - 1))
        return options.get("key_dim") if option == "value_dim" else None

    def infer(
        self, query: Tensor, value: Tensor, key: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> Outputs:
        """Query [steps, d], value [n, v], key [n, k] → [steps, d] or [steps, *output_shape], and scores."""
        received = _received(query=query, value=value, **({"key": key} if key else {}))
        if query.rank < 2 or value.rank != query.rank:
            raise Problem("E402", f"{self.name} expects [steps, features] of each input, but got {received}", _SEQUENCE)
        _check_key(self.name, value, key, received)
        if query.rank != 2 and any(x.masked for x in (query, value, key) if x):
            # They have an axis for each axis but the last; Keras knows only steps.
            message = f"{self.name} can use the masks of [steps, features] only, but got {received}"
            raise Problem("E402", message, "mask after it, or bring the inputs to two axes")
        attended = self._attended(query)
        between = zip(query.shape[:-1], value.shape[:-1], strict=True)
        if any(_differ(size, other) for axis, (size, other) in enumerate(between) if axis not in attended):
            raise Problem("E402", f"{self.name} needs equal axes outside `attention_axes`, but got {received}")
        self.shapes(query, value, key or value)
        self._check_mask(query, value, attention_mask)
        result = Tensor((*query.shape[:-1], *self._made(query)), self.compute_dtype)
        if not self.return_attention_scores:
            return result
        if query.rank != 2 or query.shape[0] != value.shape[0]:
            # Keras types the scores [heads, steps, steps of query] whatever enters, and layers behind them would fail.
            message = f"{self.name} returns scores only for [steps, features] with one number of steps, got {received}"
            raise Problem("E402", message, "`group_query_attention` takes different numbers", "return_attention_scores")
        return result, self._scores(query, value, self.num_heads)

    def _attended(self, query: Tensor) -> tuple[int, ...]:
        if self.attention_axes is None:
            return tuple(range(query.rank - 1))
        attended = axis_indices(self.attention_axes, query, self.name, "attention_axes")
        if query.rank - 1 in attended:
            message = f"{self.name} cannot attend over the axis of the features, the last of {show_shape(query.shape)}"
            raise Problem("E402", message, "name axes of steps only", "attention_axes")
        return attended

    def _made(self, query: Tensor) -> Shape:
        return self.output_shape or query.shape[-1:]

    def shapes(self, query: Tensor, value: Tensor, key: Tensor) -> list[tuple[str, Shape, Shape]]:
        """Name, bound axes and made axes of each projection, in Keras's order."""
        inner, outer = (self.num_heads, self.key_dim), (self.num_heads, self.value_dim or self.key_dim)
        of_query, of_key, of_value = ((known(x, -1, self.name),) for x in (query, key, value))
        gate = [("gate", of_query, outer)] if self.use_gate else []
        projections = [("query", of_query, inner), ("key", of_key, inner), *gate, ("value", of_value, outer)]
        return [*projections, ("attention_output", outer, self._made(query))]

    def flops(
        self,
        output: Tensor,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> int:
        """The projections; for each pair of steps one multiply-add per feature, twice, and one for the softmax."""
        others = tuple(value.shape[axis] for axis in self._attended(query))
        pairs = self.num_heads * volume(query.shape[:-1]) * volume(others)
        per_pair = 2 * (self.key_dim + (self.value_dim or self.key_dim)) + 1
        return pairs * per_pair + self.projection_flops(query, value, key or value)


class GroupQueryAttention(_ProjectedAttention):
    """Multi-head attention in which groups of query heads share the heads of key and value."""

    keras = "keras.layers.GroupQueryAttention"
    head_dim = integer(min=1, doc="Features of each head.")
    num_query_heads = integer(min=1, doc="Number of heads of the query.")
    num_key_value_heads = integer(min=1, doc="Number of heads of key and value, a divisor of `num_query_heads`.")
    dropout = drop_rate("the attention")
    use_bias = boolean(default=True, doc="Whether the projections add a bias.")
    sliding_window = optional(integer(min=1, doc="How many steps away the farthest step is that can be attended to."))
    flash_attention = optional(boolean(doc="Whether to use the faster kernel where the device has it."))
    kernel_initializer = initializer("glorot_uniform", "the projections")
    bias_initializer = initializer("zeros", "the biases")
    kernel_regularizer = regularizer("the projections")
    bias_regularizer = regularizer("the biases")
    activity_regularizer = regularizer("the output")
    kernel_constraint = constraint("the projections")
    bias_constraint = constraint("the biases")
    use_gate = boolean(default=False, doc="Whether a learned gate, made of the query, weighs the result.")
    seed = seed()
    use_causal_mask = causal()
    return_attention_scores = scores()
    examples = (
        example("{head_dim: 8, num_query_heads: 4, num_key_value_heads: 2}", (10, 16), (None, 16)),
        example("{head_dim: 3, num_query_heads: 2, num_key_value_heads: 1, use_gate: true}", (5, 16), (6, 16), (6, 9)),
        example(
            "{head_dim: 3, num_query_heads: 2, num_key_value_heads: 1, return_attention_scores: true}", (5, 8), (6, 8)
        ),
    )

    def validate(self) -> None:
        """The heads of key and value divide those of the query."""
        super().validate()
        if self.num_query_heads % self.num_key_value_heads:
            counts = f"`num_query_heads` ({self.num_query_heads}) is no multiple of `num_key_value_heads`"
            message = f"{counts} ({self.num_key_value_heads})"
            raise Problem("E207", message, "each head of key and value serves a whole group", "num_key_value_heads")

    def infer(
        self, query: Tensor, value: Tensor, key: Tensor | None = None, attention_mask: Tensor | None = None
    ) -> Outputs:
        """Query [steps, d], value [n, d], key [n, k] → [steps, d], and scores [heads, steps, n]."""
        received = _received(query=query, value=value, **({"key": key} if key else {}))
        if query.rank != 2 or value.rank != 2:
            raise Problem("E402", f"{self.name} expects [steps, features] of each input, but got {received}", _SEQUENCE)
        _check_key(self.name, value, key, received)
        self.shapes(query, value, key or value)
        if query.shape[-1] != value.shape[-1]:
            raise Problem("E402", f"{self.name} needs as many features in value as in query, but got {received}")
        self._check_mask(query, value, attention_mask)
        result = Tensor(query.shape, self.compute_dtype)
        if not self.return_attention_scores:
            return result
        return result, self._scores(query, value, self.num_query_heads)

    def shapes(self, query: Tensor, value: Tensor, key: Tensor) -> list[tuple[str, Shape, Shape]]:
        """Name, bound axes and made axes of each projection, in Keras's order."""
        many, few = (self.num_query_heads, self.head_dim), (self.num_key_value_heads, self.head_dim)
        of_query, of_key, of_value = ((known(x, -1, self.name),) for x in (query, key, value))
        gate = [("gate", of_query, many)] if self.use_gate else []
        projections = [("query", of_query, many), ("key", of_key, few), *gate, ("value", of_value, few)]
        return [*projections, ("attention_output", many, of_query)]

    def flops(
        self,
        output: Tensor,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> int:
        """The projections; for each pair of steps one multiply-add per feature, twice, and one for the softmax."""
        pairs = self.num_query_heads * volume((query.shape[0], value.shape[0]))
        return pairs * (4 * self.head_dim + 1) + self.projection_flops(query, value, key or value)


_SEQUENCE = "give every input an axis of steps, for example with `reshape`"


def _received(**tensors: Tensor) -> str:
    return ", ".join(f"{name} {show_shape(tensor.shape)}" for name, tensor in tensors.items())


def _differ(size: int | None, other: int | None) -> bool:
    return size is not None and other is not None and size != other


def _leading(query: Tensor, value: Tensor, key: Tensor) -> list[tuple[int | None, int | None]]:
    return [(size, query.shape[axis]) for tensor in (value, key) for axis, size in enumerate(tensor.shape[:-2])]


def _check_key(who: str, value: Tensor, key: Tensor | None, received: str) -> None:
    # Keras compares the sizes strictly: an unknown one differs from a known one.
    if key is not None and key.shape[:-1] != value.shape[:-1]:
        raise Problem(
            "E402", f"{who} needs as many steps in key as in value, but got {received}", "use one tensor for both"
        )
