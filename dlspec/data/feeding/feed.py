"""Batches for Keras in an order of our own, from any position.

``tf.data``'s own shuffle starts anew when a run is resumed, and ``fit(shuffle=True)`` repeats one order; here the
order of examples comes from :mod:`dlspec.data.order.order`, a function of (seed, epoch).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from dlspec.data.feeding.examples import Examples, InMemory, Streamed
from dlspec.data.feeding.mapping import unconverted
from dlspec.data.feeding.windows import Windows
from dlspec.data.order.order import order
from dlspec.data.order.slices import Slices

# Batches prepared ahead. A fixed number: tf.data's own choice cost a fifth of the speed of small models on two cores.
AHEAD = 8


class Feed:
    """Batches of training examples.

    Args:
        examples: The examples, or a structure (tuples, dicts) of arrays whose first axis counts them.
        batch_size: Examples per batch; the last one of an epoch may be smaller.
        seed: Seed of the order.
        shuffle: Whether each epoch has an order of its own.
        prefetch: Batches prepared ahead; it cannot change the order.
        transform: Called in the pipeline with a prepared batch ``(inputs, targets)``, the epoch (a scalar int64
            tensor) and the numbers of its examples in the source (int64, shape [n]); returns a batch. What is random
            in it must follow from these and a seed alone, so that a resumed run sees the same.
        draws: Called with the epoch, and with the places in it at which a batch begins and ends (scalar int64 tensors);
            returns what is drawn for the batch, tensors by input, which then replace those of the examples.
        structure: Called last with the parts of a batch: the structure that ``fit`` takes.

    Attributes:
        batch_size: Examples per batch.
        count: Examples per epoch.
        steps: Batches per epoch.
    """

    def __init__(
        self,
        examples: Any,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool = True,
        prefetch: int = AHEAD,
        transform: Callable[[Any, Any, Any], Any] | None = None,
        draws: Callable[[Any, Any, Any], Mapping[str, Any]] | None = None,
        structure: Callable[..., Any] | None = None,
    ) -> None:
        import tensorflow as tf

        self._examples: Examples = examples if isinstance(examples, Examples) else InMemory(examples)
        self.batch_size, self._seed, self._shuffle, self._prefetch = batch_size, seed, shuffle, prefetch
        self._transform, self._draws, self._structure = transform, draws, structure
        self.count = self._examples.count
        self.steps = -(-self.count // batch_size)
        self._windows = None
        if isinstance(self._examples, Streamed) and self._examples.blocks is not None:
            self._windows = Windows(self._examples, self._examples.blocks, seed, shuffle=shuffle)
        with tf.device("CPU:0"):
            self._epoch = self._number("epoch")
            self._window_count = self._number("windows")
            if self._windows is None:
                self._numbers = tf.constant(self._examples.numbers, tf.int64)
                if shuffle:
                    self._order = tf.Variable(tf.range(self.count, dtype=tf.int64), trainable=False, name="order")
        self.set_epoch(0)

    def _number(self, name: str) -> Any:
        """A number that changes between epochs; the data in their own order need none."""
        import tensorflow as tf

        changes = self._shuffle or self._changes
        return tf.Variable(0, dtype=tf.int64, trainable=False, name=name) if changes else None

    @property
    def dataset(self) -> Any:
        """The batches of an epoch from the position on; their number is known (``cardinality``).

        From the start of an epoch it is always the same object, which serves all further epochs. Since Keras counts
        steps by cardinality, the rest of an epoch is an object of its own: fit on it for that one epoch.
        """
        return self._batches(self._step) if self._step else self._whole

    @cached_property
    def _whole(self) -> Any:
        return self._batches(0)

    @cached_property
    def inline(self) -> bool:
        """Whether the step itself cuts out its batches: to copy some examples takes less time than to hand them over.

        An accelerator had to wait for it, though, and what costs more than copying is better done beside the steps.
        """
        import tensorflow as tf

        if not isinstance(self._examples, InMemory) or self._works:
            return False
        return not tf.config.list_physical_devices("GPU")

    def batches(self) -> Any:
        """The batches from the position on, for :class:`dlspec.training.loop.steps.Steps`."""
        if not self.inline:
            return iter(self.dataset)
        assert isinstance(self._examples, InMemory)
        order = self._order.read_value() if self._shuffle else None
        return Slices(self._examples.tensors, order, self.batch_size, self._structure, self._step)

    @cached_property
    def batch_type(self) -> Any:
        """Type of a batch: a structure of ``tf.TensorSpec``."""
        import tensorflow as tf

        if not self.inline:
            return self.dataset.element_spec
        assert isinstance(self._examples, InMemory)
        specs = tf.nest.map_structure(
            lambda tensor: tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype), self._examples.tensors
        )
        structure = self._structure
        if structure is None:
            return specs
        traced = tf.function(lambda parts: structure(*parts), autograph=False).get_concrete_function(specs)
        return tf.nest.map_structure(
            lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), traced.structured_outputs
        )

    def set_epoch(self, epoch: int) -> None:
        """The next pass over :attr:`dataset` is epoch number `epoch`, from 0."""
        self.set_position(epoch, 0)

    def set_position(self, epoch: int, step: int) -> None:
        """The next pass over :attr:`dataset` begins with batch number `step` of epoch number `epoch`, both from 0."""
        self._at, self._step = epoch, step
        self._examples.at_epoch(epoch, self._seed if self._shuffle else None)
        if self._epoch is not None:
            self._epoch.assign(epoch)
        if self._windows is not None and self._window_count is not None:
            self._window_count.assign(self._windows.count(epoch))
        elif self._windows is None and self._shuffle:
            self._order.assign(self._order_of(epoch))

    def callback(self) -> Any:
        """A Keras callback that sets the epoch before each one begins, unless a position in it is set."""
        import keras

        feed = self

        class SetEpoch(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch != feed._at:
                    feed.set_epoch(epoch)

        return SetEpoch()

    def _order_of(self, epoch: int) -> Any:
        blocks = self._examples.blocks
        return blocks.order(self._seed, epoch) if blocks is not None else order(self.count, self._seed, epoch)

    def _batches(self, start: int) -> Any:
        group = 1 if self._windows is not None else self._examples.group(self.batch_size)
        if self._windows is not None:
            batches = self._cut(self._windows.pieces(*self._state(self._windows), start * self.batch_size), start)
        elif group > 1:
            batches = self._cut(self._groups(start, group), start)
        else:
            batches = self._gathered(start)
        return batches.prefetch(self._prefetch)

    def _gathered(self, start: int) -> Any:
        """Batches by the positions of their examples."""
        import tensorflow as tf

        def batch(step: Any) -> Any:
            first = step * self.batch_size
            return self._finished(first, *self._taken(first, first + self.batch_size))

        steps = tf.data.Dataset.range(start, self.steps)
        return steps.map(unconverted(batch), num_parallel_calls=self._parallel(), deterministic=True)

    def _groups(self, start: int, group: int) -> Any:
        """Numbers and examples of several batches at a time."""
        import tensorflow as tf

        def group_at(first: Any) -> Any:
            return self._taken(first, first + size)

        size = group * self.batch_size
        firsts = tf.data.Dataset.range(start * self.batch_size, self.count, size)
        return firsts.map(unconverted(group_at), num_parallel_calls=self._parallel(), deterministic=True)

    def _taken(self, first: Any, end: Any) -> Any:
        """Numbers and examples from one place of an epoch to another."""
        import tensorflow as tf

        end = tf.minimum(end, self.count)
        positions = self._order[first:end] if self._shuffle else tf.range(first, end)
        return tf.gather(self._numbers, positions), self._examples.visited(positions, first, end)

    def _cut(self, pieces: Any, start: int) -> Any:
        """Batches from pieces of any size. What changes nothing is done to the pieces, since they are fewer."""
        import tensorflow as tf

        if not self._works:
            pieces = pieces.map(unconverted(self._structured))
        batches = pieces.rebatch(self.batch_size)
        batches = batches.apply(tf.data.experimental.assert_cardinality(self.steps - start))
        if not self._works:
            return batches
        firsts = tf.data.Dataset.range(start, self.steps).map(unconverted(lambda step: step * self.batch_size))
        batches = tf.data.Dataset.zip(firsts, batches)
        return batches.map(
            unconverted(lambda first, batch: self._finished(first, *batch)),
            num_parallel_calls=os.cpu_count() or 1,
            deterministic=True,
        )

    @property
    def _works(self) -> bool:
        """Whether something is left to be computed for each batch."""
        return self._changes or self._examples.finishes

    @property
    def _changes(self) -> bool:
        """Whether a batch holds other values than its examples."""
        return self._transform is not None or self._draws is not None

    def _parallel(self) -> int:
        """Batches made at a time. Measured: what tf.data finds by itself costs up to half of the speed."""
        if isinstance(self._examples, Streamed) or self._works:
            return os.cpu_count() or 1
        return 1  # to copy examples, one thread is as fast as several

    def _state(self, windows: Windows) -> tuple[Any, Any]:
        """The epoch, and how many windows it has."""
        import tensorflow as tf

        epoch: Any = tf.constant(0, tf.int64) if self._epoch is None else self._epoch
        count: Any = self._window_count
        return epoch, tf.constant(windows.count(0), tf.int64) if count is None else count

    def _finished(self, first: Any, numbers: Any, batch: Any) -> Any:
        import tensorflow as tf

        batch = self._examples.finished(batch)
        if self._transform is not None:
            batch = self._transform(batch, self._epoch.read_value(), numbers)
        if self._draws is not None:
            drawn = self._draws(self._epoch.read_value(), first, first + tf.size(numbers, tf.int64))
            batch = ({**batch[0], **drawn}, *batch[1:])
        return self._structured(numbers, batch)

    def _structured(self, numbers: Any, batch: Any) -> Any:
        return self._structure(*batch) if self._structure is not None else batch


def in_order(examples: Any, batch_size: int, structure: Callable[..., Any] | None = None) -> Any:
    """Batches of `examples` as they stand, for evaluation; the cardinality is known. See :class:`Feed`."""
    return feed_in_order(examples, batch_size, structure).dataset


def feed_in_order(
    examples: Any,
    batch_size: int,
    structure: Callable[..., Any] | None = None,
    transform: Callable[[Any, Any, Any], Any] | None = None,
) -> Feed:
    """The same as a feed."""
    return Feed(examples, batch_size, seed=0, shuffle=False, transform=transform, structure=structure)
