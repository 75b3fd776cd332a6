"""Rows of indices that a model writes: what it answers to a row so far is put behind it, again and again."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

# Less than any sum of logarithms of probabilities, and not infinite: differences stay numbers.
_NEVER = -1e9
_LEAST = 1e-30


class Rows(NamedTuple):
    """How rows are written.

    Attributes:
        scores: From inputs by name, and rows [n, steps] of indices, to what the model says of the next index of each
            step: [n, steps, classes].
        steps: Of the rows that the model takes: of longer ones it sees the last so many.
        length: Steps after which a row ends in any case.
        end: The index that ends a row; None where none does.
        logits: Whether scores are taken before softmax.
        forbidden: Indices that are never written.
        width: Of the rows of beginnings, at least `steps`; as many unless given.
        more: Most indices that are written behind what a row begins with; None for no such end.
        given: The type of each input by name, with any number of examples.
        stepper: What writes with less work as long as the model sees whole rows, since it keeps what a step needs of
            those before: `write(inputs, state, body, going)` gives the state that it comes to. None for none.
    """

    scores: Callable[[dict, Any], Any]
    steps: int
    length: int
    end: int | None
    logits: bool
    forbidden: tuple[int, ...]
    width: int = 0
    more: int | None = None
    given: dict[str, Any] | None = None
    stepper: Any = None

    @property
    def columns(self) -> int:
        """Of the rows of beginnings."""
        return self.width or self.steps

    def compiled(self, write: Callable[[dict, Any, Any], Any]) -> Callable[[dict, Any, Any], Any]:
        """A function from inputs, beginnings and numbers, compiled once for any number of examples."""
        beginnings = tf.TensorSpec([None, self.columns], tf.int32)
        numbers = tf.TensorSpec([None, self.columns], tf.float32)
        return tf.function(write, input_signature=[self.given or {}, beginnings, numbers], autograph=False)


def greedy(rows: Rows) -> Callable[[dict, Any, Any], Any]:
    """As :func:`sampled`, but that the likeliest index is written each time; the random numbers have no effect."""
    return _one_by_one(rows, lambda logs, _: tf.argmax(logs, axis=-1, output_type=tf.int32))


def sampled(
    rows: Rows, temperature: float, top_k: int | None = None, top_p: float | None = None
) -> Callable[[dict, Any, Any], Any]:
    """A compiled function from inputs, beginnings and random numbers to whole rows.

    Args:
        rows: How they are written.
        temperature: The logarithms of probabilities are divided by it.
        top_k: Only so many of the likeliest indices are drawn; None for all.
        top_p: Only the likeliest are drawn that together have this probability; None for all.

    Returns:
        A function of inputs by name, beginnings [n, steps] filled up with 0, and numbers from 0 to 1 [n, steps], that
        gives rows [n, steps + 1], filled up with 0 behind their end.
    """

    def drawn(logs: Any, numbers: Any) -> Any:
        shares, order = tf.math.top_k(tf.nn.softmax(logs / temperature), k=tf.shape(logs)[-1])
        before = tf.cumsum(shares, axis=-1, exclusive=True)
        kept = tf.ones_like(shares, tf.bool)
        if top_k is not None:
            kept &= tf.range(tf.shape(shares)[-1])[None, :] < top_k
        if top_p is not None:
            kept &= before < top_p
        sums = tf.cumsum(tf.where(kept, shares, 0.0), axis=-1)
        position = tf.reduce_sum(tf.cast(sums <= numbers[:, None] * sums[:, -1:], tf.int32), axis=-1)
        most = tf.reduce_sum(tf.cast(kept, tf.int32), axis=-1) - 1
        return tf.gather(order, tf.minimum(position, most), batch_dims=1)

    return _one_by_one(rows, drawn)


def beam(rows: Rows, width: int, length_penalty: float = 0.0) -> Callable[[dict, Any, Any], Any]:
    """As :func:`sampled`, but that the likeliest of so many rows at a time is written.

    Args:
        rows: How they are written.
        width: How many beginnings are followed.
        length_penalty: The logarithm of a row's probability is divided by its length to this power.
    """

    def judged(sums: Any, lengths: Any) -> Any:
        return sums / tf.maximum(tf.cast(lengths, tf.float32), 1.0) ** length_penalty

    def body(first: Any, scores: Any, step: Any, written: Any, sums: Any, lengths: Any, over: Any) -> Any:
        count = tf.shape(sums)[0]
        logs = _logs(rows, scores, step, written, first)
        classes = tf.shape(logs)[-1]
        logs = tf.reshape(logs, (count, width, classes))
        # What is over goes on in one way, with padding.
        padding = tf.where(tf.range(classes) == 0, 0.0, _NEVER)
        logs = tf.where(over[..., None], padding, logs)
        forced = tf.reshape(_given(step, first), (count, width))
        longer = lengths + tf.cast(~over & ~forced, tf.int32)
        candidates = sums[..., None] + logs
        ranks = tf.reshape(judged(candidates, longer[..., None]), (count, -1))
        _, best = tf.math.top_k(ranks, k=width)
        parent, token = best // classes, best % classes
        sums = tf.gather(tf.reshape(candidates, (count, -1)), best, batch_dims=1)
        lengths, over = tf.gather(longer, parent, batch_dims=1), tf.gather(over, parent, batch_dims=1)
        origin = tf.reshape(parent + width * tf.range(count)[:, None], (-1,))
        written = _with(tf.gather(written, origin), step + 1, tf.reshape(token, (-1,)))
        # The rows of an example begin alike, whichever of them goes on.
        over |= _ended(rows, step, token, tf.reshape(first, (count, width)))
        return (step + 1, written, sums, lengths, over), origin

    def write(inputs: dict, beginnings: Any, _: Any) -> Any:
        count = tf.shape(beginnings)[0]
        several = {name: tf.repeat(values, width, axis=0) for name, values in inputs.items()}
        written = tf.repeat(_begun(beginnings), width, axis=0)
        first = tf.repeat(_length(beginnings), width, axis=0)
        sums = tf.tile(tf.where(tf.range(width) == 0, 0.0, _NEVER)[None, :], (count, 1))
        state = (_begin(first), written, sums, tf.zeros_like(sums, tf.int32), tf.zeros_like(sums, tf.bool))
        _, written, sums, lengths, _ = _run(rows, several, state, lambda *now: body(first, *now))
        best = tf.argmax(judged(sums, lengths), axis=-1, output_type=tf.int32)
        return tf.gather(tf.reshape(written, (count, width, rows.columns + 1)), best, batch_dims=1)

    return rows.compiled(write)


def _one_by_one(rows: Rows, pick: Callable[[Any, Any], Any]) -> Callable[[dict, Any, Any], Any]:
    """One row for each beginning, whose next index `pick` takes from logarithms [n, classes] and numbers [n]."""

    def body(first: Any, numbers: Any, scores: Any, step: Any, written: Any, over: Any) -> Any:
        token = pick(_logs(rows, scores, step, written, first), tf.gather(numbers, step, axis=1))
        token = tf.where(over, 0, token)
        return (step + 1, _with(written, step + 1, token), over | _ended(rows, step, token, first)), None

    def write(inputs: dict, beginnings: Any, numbers: Any) -> Any:
        first = _length(beginnings)
        state = (_begin(first), _begun(beginnings), tf.zeros(tf.shape(beginnings)[:1], tf.bool))
        return _run(rows, inputs, state, lambda *now: body(first, numbers, *now))[1]

    return rows.compiled(write)


def _run(rows: Rows, inputs: dict, state: Any, body: Callable[..., Any]) -> Any:
    """Writes index by index, until all rows are over or as long as they may be.

    Args:
        rows: How they are written.
        inputs: By name.
        state: Step, rows written so far, more, and last which rows are over.
        body: From scores [n, classes] of the next index and a state to the next state, and which rows its rows go on
            with, None where each goes on with itself.
    """

    def going(length: int) -> Callable[..., Any]:
        return lambda now, *_: (now[0] < length) & ~tf.reduce_all(now[-1])

    if rows.stepper is not None:
        state = rows.stepper.write(inputs, state, body, going(min(rows.steps, rows.length)))
        if rows.length <= rows.steps:
            return state
    whole = going(rows.length)

    def again(now: Any) -> Any:
        return (body(_scores(rows, inputs, *now[:2]), *now)[0],)

    return tf.while_loop(whole, again, (state,), shape_invariants=(shapes_of(state),))[0]


def shapes_of(state: Any) -> Any:
    """The shapes of what goes through a loop, with any number of examples."""
    return tuple(tf.TensorShape([None, *value.shape[1:]]) if value.shape.rank else value.shape for value in state)


def _begun(beginnings: Any) -> Any:
    """Beginnings [n, steps] with room for one more index."""
    return tf.pad(tf.cast(beginnings, tf.int32), [[0, 0], [0, 1]])


def _length(beginnings: Any) -> Any:
    """How many indices are given of each row."""
    return tf.reduce_sum(tf.cast(tf.not_equal(beginnings, 0), tf.int32), axis=1)


def _begin(first: Any) -> Any:
    """The step before the first index that is not given of all rows."""
    return tf.maximum(tf.reduce_min(first) - 1, 0)


def _given(step: Any, first: Any) -> Any:
    """Which rows have their next index given."""
    return step + 1 < first


def _with(written: Any, position: Any, token: Any) -> Any:
    """Rows with an index put at a position."""
    return tf.where(tf.range(tf.shape(written)[1])[None, :] == position, token[:, None], written)


def _ended(rows: Rows, step: Any, token: Any, first: Any) -> Any:
    """Which rows are over with the index behind a step."""
    over = tf.zeros_like(token, tf.bool) if rows.end is None else ~_given(step, first) & (token == rows.end)
    return over if rows.more is None else over | (step + 2 - first >= rows.more)


def _scores(rows: Rows, inputs: dict, step: Any, written: Any) -> Any:
    """What the model says of the index behind a step, [n, classes], of whole rows."""
    passed = tf.maximum(step + 1 - rows.steps, 0)  # steps that the model does not see any more
    scores = rows.scores(inputs, tf.slice(written, [0, passed], [-1, rows.steps]))
    return tf.gather(scores, step - passed, axis=1)


def _logs(rows: Rows, scores: Any, step: Any, written: Any, first: Any) -> Any:
    """Logarithms of the probabilities of the next index, [n, classes]: certain for one that is given."""
    scores = tf.cast(scores, tf.float32)
    logs = tf.nn.log_softmax(scores) if rows.logits else tf.math.log(tf.maximum(scores, _LEAST))
    classes = tf.range(tf.shape(logs)[-1])
    logs = tf.where(np.isin(np.arange(logs.shape[-1]), rows.forbidden), _NEVER, logs)
    given = tf.where(classes[None, :] == tf.gather(written, step + 1, axis=1)[:, None], 0.0, _NEVER)
    return tf.where(_given(step, first)[:, None], given, logs)
