"""How one batch trains and is measured on one device: Keras's own steps, but that no weight becomes infinite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlspec.backends.keras.internals import batch_loss, count_loss, flatten_layers


def train_step(model: Any) -> Callable[[Any], Any]:
    """Keras's own step, but that a loss that is not finite changes no weight; returns whether it was finite."""
    import keras
    import tensorflow as tf

    from dlspec.standalone.averages import Averages, Following
    from dlspec.standalone.learning import unchanged

    update = _select if model.jit_compile and convolves(model) else _decide
    averages = model.averages if isinstance(model, Following) else Averages(())

    def step(batch: Any) -> Any:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        with unchanged(averages.statistics), tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = batch_loss(model, x, y, outputs, weights)
            count_loss(model, loss, tf.shape(tf.nest.flatten(x)[0])[0])
            scaled = model.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        # Some weights may have no part in the loss of a phase; Keras would leave them out as well, and warn.
        gradients = zip(tape.gradient(scaled, variables), variables, strict=True)
        pairs = [pair for pair in gradients if pair[0] is not None]
        finite = tf.math.is_finite(loss)
        with averages.following(model.optimizer):
            update(finite, model.optimizer, pairs)
        model.compute_metrics(x, y, outputs, sample_weight=weights)
        return finite

    return step


def takes_turns(model: Any) -> Callable[[Any], Any]:
    """A turn of each learner whose batch it is; one whose objective is not finite moves nothing, nor do later ones.

    Args:
        model: A :class:`dlspec.standalone.learning.Learning`.
    """
    import tensorflow as tf

    update = _select if model.jit_compile and convolves(model) else _decide
    # XLA compiles what is taken now and then by itself: in a branch it would be slower.
    apart = model.jit_compile and model.skips

    def taken(learner: Any) -> Callable[[Any, Any], Any]:
        def turn(batch: Any, finite: Any) -> Any:
            def guarded(sound: Any, optimizer: Any, pairs: list[tuple[Any, Any]]) -> None:
                update(tf.logical_and(finite, sound), optimizer, pairs)

            return tf.logical_and(finite, model.turn(learner, batch, guarded))

        return tf.function(turn, jit_compile=True, reduce_retracing=True, autograph=False) if apart else turn

    turns = [(learner, taken(learner)) for learner in model.learners]

    def step(batch: Any) -> Any:
        number, finite = model.batches.next(), tf.constant(True)
        for learner, turn in turns:
            if learner.every == 1:
                finite = turn(batch, finite)
            else:
                due = tf.equal(number % learner.every, 0)
                finite = tf.cond(due, lambda taken=turn, sound=finite: taken(batch, sound), lambda sound=finite: sound)
        return finite

    return step


def convolves(model: Any) -> bool:
    """Whether a model has convolutions, which XLA computes slowly inside of loops and branches."""
    return any(hasattr(layer, "kernel_size") for layer in flatten_layers(model))


def _decide(finite: Any, optimizer: Any, pairs: list[tuple[Any, Any]]) -> None:
    """Applies the gradients where the loss is finite."""
    import tensorflow as tf

    def update() -> Any:
        optimizer.apply_gradients(pairs)
        return tf.constant(True)

    tf.cond(finite, update, lambda: tf.constant(False))


def _select(finite: Any, optimizer: Any, pairs: list[tuple[Any, Any]]) -> None:
    """The same for convolutions under XLA: applies the gradients, and takes that back where the loss is not finite.

    XLA draws the computation of gradients into a conditional, where its convolutions take more than twice as long; what
    multiplies matrices is no slower there, and the choice would cost a fifth of a small step.
    """
    import tensorflow as tf

    changing = [variable.value for variable in (*optimizer.variables, *(variable for _, variable in pairs))]
    before = [tf.identity(variable) for variable in changing]
    optimizer.apply_gradients(pairs)
    for variable, value in zip(changing, before, strict=True):
        variable.assign(tf.where(finite, variable, value))


def test_step(model: Any) -> Callable[[Any], Any]:
    """Keras's own step."""
    import tensorflow as tf

    def step(batch: Any) -> Any:
        model.test_step(batch)
        return tf.constant(True)

    return step
