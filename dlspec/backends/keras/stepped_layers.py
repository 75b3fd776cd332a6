"""What single layers give for the next steps of rows, and what they keep of those before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dlspec.backends.keras.internals import attended, mask_of, projections_of

# A tensor of a model: the numbers of the call that gives it, among the models around it too, and its number there.
Key = tuple[tuple[int, ...], int]


class Piece(NamedTuple):
    """Some steps of rows.

    Attributes:
        given: What was kept before, in the order of the layers; None at the beginning.
        offset: The number of the first of them.
        steps: Of whole rows.
        count: How many they are.
        kept: What is kept behind them, in the order of the layers.
    """

    given: Iterator[Any] | None
    offset: Any
    steps: int
    count: Any
    kept: list[Any]

    @property
    def later(self) -> Any:
        """The number of the step behind them."""
        return self.offset + self.count

    def keep(self, tensor: Any) -> Any:
        """Keeps a tensor, and returns it."""
        self.kept.append(tensor)
        return tensor

    def wide(self, tensor: Any) -> Any:
        """Keeps a tensor of these steps, and returns it with those before, [examples, steps of whole rows, …]."""
        import tensorflow as tf

        if self.given is None:
            more = [[0, 0], [0, self.steps - self.count], *[[0, 0]] * (tensor.shape.rank - 2)]
            padded = tf.pad(tensor, more)
            return self.keep(tf.ensure_shape(padded, [None, self.steps, *tensor.shape[2:]]))
        before = next(self.given)
        examples = tf.range(tf.shape(tensor)[0])
        places = tf.stack([examples, tf.fill(tf.shape(examples), self.offset)], axis=1)
        return self.keep(tf.tensor_scatter_nd_update(before, places, tensor[:, 0]))


class Call(NamedTuple):
    """One call of the model.

    Attributes:
        call: As Keras keeps it.
        rule: How its steps follow; "" for one that does not see the row.
        entering: The tensors that it takes, by their identity in its model.
        leaving: Those that it gives.
        stepped: Which of those that enter have steps, by their identity.
    """

    call: Any
    rule: str
    entering: Mapping[int, Key]
    leaving: Sequence[Key]
    stepped: frozenset[int] = frozenset()

    def arguments(self, values: Mapping[Any, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Positional and named arguments."""
        arguments, named = self.call.arguments.fill_in({name: values[key] for name, key in self.entering.items()})
        return list(arguments), named

    def computed(self, values: Mapping[Any, Any]) -> dict[Key, Any]:
        """What it gives for values that have no steps."""
        import keras

        arguments, named = self.arguments(values)
        return dict(zip(self.leaving, keras.tree.flatten(self.call.operation(*arguments, **named)), strict=True))


# --- layers that keep nothing ---------------------------------------------------------------------------------------


def _each(call: Call, values: Mapping[Any, Any], at: Piece) -> Any:
    """Each step from the same one; of tensors with a step for each, those of the piece."""
    import keras

    rank = max(len(values[key].shape) for key in call.entering.values())

    def piece(name: int, key: Key) -> Any:
        value = values[key]
        beside = name not in call.stepped and len(value.shape) == rank and value.shape[1] == at.steps
        return value[:, at.offset : at.later] if beside else value

    entering = {name: piece(name, key) for name, key in call.entering.items()}
    arguments, named = call.call.arguments.fill_in(entering)
    return keras.tree.flatten(call.call.operation(*arguments, **named))[0]


def _positions(call: Call, values: Mapping[Any, Any], at: Piece) -> Any:
    """What was added to steps of zeros is added."""
    (key,) = call.entering.values()
    return values[key] + values[call.leaving[0], "prepared"][:, at.offset : at.later]


def _added(call: Call, values: Mapping[Any, Any], steps: int) -> Any:
    import tensorflow as tf

    (tensor,) = call.call.input_tensors
    return call.call.operation(tf.zeros([1, steps, tensor.shape[-1]], call.call.operation.compute_dtype))


# --- layers that keep states, or the last steps -----------------------------------------------------------------------


def _states(call: Call, values: Mapping[Any, Any], at: Piece) -> Any:
    """A cell goes over the steps, from the states that it kept."""
    import keras
    import tensorflow as tf

    layer = call.call.operation
    arguments, named = call.arguments(values)
    sequence = arguments[0] if arguments else named["sequences"]
    begun = _initial(layer, arguments, named, sequence)
    if at.given is None:
        output, states = _over(layer, sequence, begun)
    else:
        before = keras.tree.pack_sequence_as(begun, [next(at.given) for _ in keras.tree.flatten(begun)])
        output, states = layer.cell(sequence[:, 0], before)
        output = output[:, None]
    for state in keras.tree.flatten(states):
        at.keep(state)
    return tf.cast(output, layer.compute_dtype)


def _initial(layer: Any, arguments: list[Any], named: dict[str, Any], sequence: Any) -> list[Any]:
    """The states before the first step."""
    import keras
    import tensorflow as tf

    given = arguments[1] if len(arguments) > 1 else named.get("initial_state")
    if given is None:
        given = layer.get_initial_state(batch_size=tf.shape(sequence)[0])
    listed = list(given) if isinstance(given, list | tuple) else [given]
    states: list[Any] = keras.tree.map_structure(lambda state: tf.cast(state, layer.cell.compute_dtype), listed)
    return states


def _over(layer: Any, sequence: Any, states: list[Any]) -> tuple[Any, Any]:
    """The outputs of a cell for some steps, [examples, steps, units], and its states behind them."""
    import keras
    import tensorflow as tf

    flat = keras.tree.flatten(states)
    examples, count, size = tf.shape(sequence)[0], tf.shape(sequence)[1], layer.cell.output_size
    outputs = tf.TensorArray(layer.cell.compute_dtype, size=count + 1, element_shape=[None, size])
    # There may be no step at all, and nothing cannot be stacked.
    outputs = outputs.write(0, tf.zeros([examples, size], layer.cell.compute_dtype))

    def body(step: Any, outputs: Any, *before: Any) -> Any:
        output, after = layer.cell(sequence[:, step], keras.tree.pack_sequence_as(states, list(before)))
        return step + 1, outputs.write(step + 1, output), *keras.tree.flatten(after)

    shapes = [tf.TensorShape([None, *state.shape[1:]]) for state in flat]
    _, outputs, *behind = tf.while_loop(
        lambda step, *_: step < count,
        body,
        (tf.constant(0), outputs, *flat),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape(None), *shapes),
    )
    made = tf.transpose(outputs.stack()[1:], [1, 0, 2])
    return tf.ensure_shape(made, [None, None, size]), keras.tree.pack_sequence_as(states, behind)


def _window(call: Call, values: Mapping[Any, Any], at: Piece) -> Any:
    """A causal convolution over the steps that its window spans."""
    import tensorflow as tf

    (key,) = call.entering.values()
    layer, piece = call.call.operation, values[key]
    back = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
    before = tf.zeros([tf.shape(piece)[0], back, piece.shape[-1]], piece.dtype) if at.given is None else next(at.given)
    seen = tf.concat([before, piece], axis=1)
    at.keep(tf.ensure_shape(seen[:, tf.shape(seen)[1] - back :], [None, back, piece.shape[-1]]))
    # The layer itself puts as many zeros before them, which reach the first outputs alone.
    return layer(seen)[:, back:]


# --- attention --------------------------------------------------------------------------------------------------------


def _attention(call: Call, values: Mapping[Any, Any], at: Piece) -> Any:
    """The steps of the piece gather from all steps so far, or from what has none."""
    import tensorflow as tf

    arguments, named = call.arguments(values)
    query, value, key, mask = _taken(arguments, named)
    layer = call.call.operation
    prepared = values.get((call.leaving[0], "prepared"))
    if prepared is None:
        keys, seen = (at.wide(tensor) for tensor in _projected(layer, value, key))
    else:
        keys, seen, hidden = prepared
    rows = at.offset + tf.range(at.count)[:, None]
    columns = tf.range(tf.shape(keys)[1])[None, :]
    shown = _between(call, rows, columns)
    if prepared is not None:
        shown = _both(shown, None if hidden is None else hidden[:, None, :])
        if mask is not None:
            mask = mask[:, at.offset : at.later] if mask.shape[1] == at.steps else mask
            shown = _both(shown, tf.cast(mask, tf.bool))
    return _gathered(layer, query, keys, seen, shown)


def _memory(call: Call, values: Mapping[Any, Any], steps: int) -> Any:
    """Keys, values and which of them count, of an attention to what has no steps; None where it has."""
    known = {name: values.get(key) for name, key in call.entering.items()}
    _, value, key, _ = _taken(*call.call.arguments.fill_in(known))
    if value is None:
        return None
    return *_projected(call.call.operation, value, key), _both(mask_of(value), mask_of(key))


def _taken(arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Query, value, key and mask of a call."""
    listed = arguments[0] if isinstance(arguments[0], list | tuple) else arguments
    query, value, *more = listed
    key = more[0] if more else named.get("key")
    return query, value, value if key is None else key, named.get("attention_mask")


def _between(call: Call, rows: Any, columns: Any) -> Any:
    """Which steps of the value a step of the query may look at, by their numbers; None for all."""
    shown = columns <= rows if call.call.arguments.kwargs.get("use_causal_mask") else None
    window = projections_of(call.call.operation).window if _has_heads(call.call.operation) else None
    return shown if window is None else _both(shown, abs(rows - columns) < window)


def _both(first: Any, other: Any) -> Any:
    """True where both are; None stands for true everywhere."""
    if first is None or other is None:
        return other if first is None else first
    return first & other


def _has_heads(layer: Any) -> bool:
    import keras

    return isinstance(layer, keras.layers.MultiHeadAttention | keras.layers.GroupQueryAttention)


def _projected(layer: Any, value: Any, key: Any) -> tuple[Any, Any]:
    """Keys and values as the scores take them."""
    import tensorflow as tf

    if not _has_heads(layer):
        return tf.cast(key, layer.compute_dtype), tf.cast(value, layer.compute_dtype)
    inner = projections_of(layer)
    keys, seen = inner.key(tf.identity(key)), inner.value(tf.identity(value))  # without their masks
    if inner.repeats == 1:
        return keys, seen
    return tf.repeat(keys, inner.repeats, axis=2), tf.repeat(seen, inner.repeats, axis=2)


def _gathered(layer: Any, query: Any, keys: Any, seen: Any, shown: Any) -> Any:
    """What steps of a query gather from the steps of a value that they are shown."""
    import tensorflow as tf

    if shown is not None and shown.shape.rank == 2:
        shown = shown[None]
    if not _has_heads(layer):
        return attended(layer, tf.cast(query, layer.compute_dtype), keys, seen, shown)
    inner = projections_of(layer)
    scores = tf.einsum("bqhd,bkhd->bhqk", inner.query(query) * inner.scale, keys)
    if shown is not None:
        scores = tf.where(shown[:, None], scores, scores.dtype.min)
    made = tf.einsum("bhqk,bkhd->bqhd", tf.nn.softmax(scores), seen)
    return inner.output(made if inner.gate is None else made * inner.gate(query))


_Step = Callable[[Call, Mapping[Any, Any], Piece], Any]
RULES: Mapping[str, _Step] = {
    "elements": _each,
    "features": _each,
    "positions": _positions,
    "states": _states,
    "window": _window,
    "attention": _attention,
}
# What is made once, before any step, of what does not depend on the row.
PREPARED: Mapping[str, Callable[[Call, Mapping[Any, Any], int], Any]] = {"positions": _added, "attention": _memory}
