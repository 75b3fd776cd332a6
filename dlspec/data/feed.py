"""Arrays in memory as batches for Keras, in an order that the caller sets for each epoch.

``tf.data``'s own shuffle starts anew when a run is resumed, and ``fit(shuffle=True)`` repeats one order; here a batch
is gathered by index from an order that :mod:`dlspec.data.order` computes.
"""

from __future__ import annotations

from typing import Any

from dlspec.data.order import order

# Batches prepared ahead. A fixed number: tf.data's own choice cost a fifth of the speed of small models on two cores.
AHEAD = 8


class Feed:
    """Batches of training examples.

    Args:
        examples: A structure (tuples, dicts) of arrays whose first axis counts the examples, as ``fit`` takes them.
        batch_size: Examples per batch; the last one may be smaller.
        seed: Seed of the order.
        shuffle: Whether each epoch has an order of its own.
        prefetch: Batches prepared ahead; it cannot change the order.
    """

    def __init__(
        self, examples: Any, batch_size: int, *, seed: int, shuffle: bool = True, prefetch: int = AHEAD
    ) -> None:
        import tensorflow as tf

        self._seed, self._shuffle = seed, shuffle
        with tf.device("CPU:0"):
            self._tensors = tf.nest.map_structure(tf.convert_to_tensor, examples)
            self.count = int(tf.nest.flatten(self._tensors)[0].shape[0])
            self._order = tf.Variable(tf.range(self.count, dtype=tf.int64), trainable=False, name="order")
        self.steps = -(-self.count // batch_size)
        self.dataset = self._batches(batch_size, prefetch)
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """The next pass over :attr:`dataset` is epoch number `epoch`, from 0."""
        self._order.assign(order(self.count, self._seed, epoch, shuffle=self._shuffle))

    def callback(self) -> Any:
        """A Keras callback that sets the epoch before each one begins."""
        import keras

        feed = self

        class SetEpoch(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                feed.set_epoch(epoch)

        return SetEpoch()

    def _batches(self, batch_size: int, prefetch: int) -> Any:
        import tensorflow as tf

        def batch(step: Any) -> Any:
            indices = self._order[step * batch_size : tf.minimum((step + 1) * batch_size, self.count)]
            return tf.nest.map_structure(lambda tensor: tf.gather(tensor, indices), self._tensors)

        steps = tf.data.Dataset.range(self.steps)
        batches = steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return batches.prefetch(prefetch)


def in_order(examples: Any, batch_size: int) -> Any:
    """Batches of `examples` as they stand, for evaluation; the cardinality is known."""
    import tensorflow as tf

    with tf.device("CPU:0"):
        return tf.data.Dataset.from_tensor_slices(examples).batch(batch_size).prefetch(AHEAD)
