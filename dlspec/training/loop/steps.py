"""Training and test steps as compiled functions that take any number of batches in one call.

Keras fixes the number (``steps_per_execution``) when it compiles; here it is an argument, so that a call lasts as long
as the display and a waiting signal allow. It ends at a step whose loss is not finite, before that spoils the weights.
Neither changes a result: tests compare the weights with those of ``fit``, bit by bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dlspec.backends.keras.internals import make_variables, traced_in_silence
from dlspec.data.order.slices import Kind, Slices, cut, gathered
from dlspec.training.loop.distribution import ONE_DEVICE, Distribution

# Seconds of one call: what a signal waits for, and the least time between two updates of the display.
CALL_SECONDS = 0.1
# Batches of a validation split for which the loop over measuring steps is worth compiling.
_MANY_BATCHES = 50


class Steps:
    """The functions of one compiled model.

    Args:
        model: A compiled functional model.
        batch: Type of a batch, as :attr:`dlspec.data.feeding.feed.Feed.batch_type` gives it.
        distribution: The devices that share each batch.
        looped: Whether XLA compiles the loop over whole batches of examples in memory, not the step alone.
    """

    def __init__(
        self, model: Any, batch: Any, distribution: Distribution = ONE_DEVICE, *, looped: bool = False
    ) -> None:
        # Makes the variables of optimizer and metrics, which Keras otherwise makes in the first step: a checkpoint is
        # put into place before that.
        make_variables(model, batch)
        train, test = distribution.steps(model, batch)
        jit = model.jit_compile and not skips(model)
        self._train = compiled_loop(train) if looped else repeated(train, jit)
        self._test = repeated(test, model.jit_compile)
        self._validate = compiled_loop(test) if looped else self._test

    def train(self, batches: Any, count: int) -> tuple[int, bool]:
        """Trains on `count` batches, fewer where the loss becomes infinite or not a number.

        Args:
            batches: An iterator over a dataset, or :class:`dlspec.data.order.slices.Slices`.
            count: How many.

        Returns:
            How many batches it took, and whether the loss is finite.
        """
        return self._train(batches, count)

    def test(self, batches: Any, count: int) -> None:
        """Updates the metrics with `count` batches."""
        self._test(batches, count)

    def validate(self, batches: Any, count: int) -> None:
        """The same for batches that are measured after every epoch, which may be worth a loop of their own."""
        (self._validate if count >= _MANY_BATCHES else self._test)(batches, count)


def skips(model: Any) -> bool:
    """Whether some learner of a model lets batches pass: then each of its turns is compiled by itself."""
    from dlspec.standalone.learning import Learning

    return isinstance(model, Learning) and model.skips


def repeated(step: Callable[[Any], Any], jit_compile: bool = False) -> Callable[[Any, int], tuple[int, bool]]:
    """A compiled loop that takes that many batches, and returns how many it took and what the last step said.

    Args:
        step: Takes a batch; the loop ends where it returns a tensor that is false.
        jit_compile: Whether XLA compiles the step.
    """
    import tensorflow as tf

    # Results of metrics are not computed here: only when somebody asks for them.
    # A function of its own is needed for XLA alone; without it, tracing takes a fifth less.
    single = tf.function(step, jit_compile=True, reduce_retracing=True, autograph=False) if jit_compile else step

    def many(batch: Callable[[Any], Any], count: Any) -> Any:
        def go_on(done: Any, finite: Any) -> Any:
            return tf.logical_and(done < count, finite)

        def body(done: Any, finite: Any) -> Any:
            return done + 1, single(batch(done))

        return tf.while_loop(go_on, body, (tf.constant(0), tf.constant(True)), parallel_iterations=1)

    handed = tf.function(
        lambda iterator, count: many(lambda _: next(iterator), count), reduce_retracing=True, autograph=False
    )
    cutting: dict[Kind, Any] = {}

    def cutter(kind: Kind, signature: tuple[Any, ...]) -> Any:
        def taken(tensors: Any, order: Any, first: Any, count: Any) -> Any:
            return many(lambda done: cut(kind, tensors, order, first + tf.cast(done, tf.int64)), count)

        return traced_in_silence(tf.function(taken, (*signature, tf.TensorSpec((), tf.int32)), autograph=False))

    def run(batches: Any, count: int) -> tuple[int, bool]:
        if not isinstance(batches, Slices):
            done, finite = handed(batches, tf.constant(count))
            return int(done), bool(finite)
        if batches.kind not in cutting:
            cutting[batches.kind] = cutter(batches.kind, batches.signature)
        done, finite = cutting[batches.kind](*batches.arguments, tf.constant(count))
        batches.next += int(done)
        return int(done), bool(finite)

    return run


def compiled_loop(step: Callable[[Any], Any]) -> Callable[[Any, int], tuple[int, bool]]:
    """As :func:`repeated`, but that XLA compiles the loop together with the step.

    A batch that is smaller, or comes from a dataset, is taken by the step without XLA, which would have to compile
    the whole loop once more for it.

    Args:
        step: As that of :func:`repeated`.
    """
    import tensorflow as tf

    others = repeated(step)
    loops: dict[Kind, Any] = {}

    def loop(kind: Kind, signature: tuple[Any, ...]) -> Any:
        def taken(tensors: Any, order: Any, first: Any, count: Any) -> Any:
            def go_on(done: Any, finite: Any) -> Any:
                return tf.logical_and(done < count, finite)

            def body(done: Any, finite: Any) -> Any:
                return done + 1, step(gathered(kind, tensors, order, first + tf.cast(done, tf.int64)))

            return tf.while_loop(go_on, body, (tf.constant(0), tf.constant(True)))

        arguments = (*signature, tf.TensorSpec((), tf.int32))
        return traced_in_silence(tf.function(taken, arguments, jit_compile=True, autograph=False))

    def run(batches: Any, count: int) -> tuple[int, bool]:
        together = min(count, batches.whole - batches.next) if isinstance(batches, Slices) else 0
        if together <= 0:
            return others(batches, count)
        if batches.kind not in loops:
            loops[batches.kind] = loop(batches.kind, batches.signature)
        done, finite = loops[batches.kind](*batches.arguments, tf.constant(together))
        batches.next += int(done)
        if not bool(finite) or count == together:
            return int(done), bool(finite)
        more, sound = others(batches, count - together)
        return together + more, sound

    return run


def no_loop(model: Any, feed: Any) -> str:
    """Why :func:`compiled_loop` cannot train a model, or is known to be slower; "" where neither is so.

    Args:
        model: A functional model.
        feed: Its training examples, a :class:`dlspec.data.feeding.feed.Feed`.
    """
    import tensorflow as tf

    from dlspec.training.loop.keras_steps import convolves

    if not feed.inline:
        return "batches are not cut out of examples in the memory of the processor"
    if any(part.dtype == tf.string for part in tf.nest.flatten(feed.batch_type)):
        return "examples hold text"
    if feed.count < feed.batch_size:
        return "an epoch is shorter than a batch"
    return "convolutions are slower in it" if convolves(model) else ""


class Pace:
    """How many steps go into one call: as many as take :data:`CALL_SECONDS`.

    Args:
        fixed: This many, whatever they take; None to measure.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self._fixed = fixed
        self._calls = 0
        self._next = 1
        self._started = 0.0

    def steps(self, remaining: int) -> int:
        """Steps of the call that begins now."""
        self._started = time.monotonic()
        return min(self._fixed or self._next, remaining)

    def done(self, steps: int) -> None:
        """The call has taken `steps` steps."""
        seconds = time.monotonic() - self._started
        self._calls += 1
        if self._calls == 1:
            self._next = 4  # the first call has compiled the function, and tells nothing about the next
            return
        wanted = round(steps * CALL_SECONDS / max(seconds, 1e-6))
        self._next = max(1, min(wanted, 8 * self._next))
