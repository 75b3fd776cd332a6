"""Batches of examples in memory that the training step cuts out itself: no pipeline, no thread, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """See :attr:`Slices.kind`."""

    size: int
    structure: Callable[..., Any] | None
    ordered: bool


@dataclass(slots=True)
class Slices:
    """The position in an epoch whose batches are cut out of tensors in memory.

    Attributes:
        tensors: All examples: a structure of tensors of shape [examples, …].
        order: Their positions in the order of the epoch; None where they stand in it.
        size: Examples of a batch; the last one may be smaller.
        structure: Called with the parts of a batch: the structure that ``fit`` takes.
        next: Number of the next batch.
    """

    tensors: Any
    order: Any
    size: int
    structure: Callable[..., Any] | None
    next: int

    @property
    def kind(self) -> Kind:
        """The key by which a compiled function that cuts out batches is reused."""
        return Kind(self.size, self.structure, self.order is not None)

    @property
    def whole(self) -> int:
        """How many batches of an epoch are as large as `size` says: all, or all but the last one."""
        import tensorflow as tf

        examples = tf.nest.flatten(self.tensors)[0] if self.order is None else self.order
        return int(examples.shape[0]) // self.size

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Tensors that the compiled function takes: examples, order, and the number of the first batch."""
        import tensorflow as tf

        order = tf.zeros((0,), tf.int64) if self.order is None else self.order
        return self.tensors, order, tf.constant(self.next, tf.int64)

    @property
    def signature(self) -> tuple[Any, ...]:
        """The types of :attr:`arguments`, for any number of examples."""
        import tensorflow as tf

        def spec(tensor: Any) -> Any:
            return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)

        tensors = tf.nest.map_structure(spec, self.tensors)
        return tensors, tf.TensorSpec((None,), tf.int64), tf.TensorSpec((), tf.int64)


def cut(kind: Kind, tensors: Any, order: Any, number: Any) -> Any:
    """Batch `number` of the examples; may be traced by TensorFlow."""
    import tensorflow as tf

    count = tf.shape(order if kind.ordered else tf.nest.flatten(tensors)[0], tf.int64)[0]
    first, end = number * kind.size, tf.minimum((number + 1) * kind.size, count)
    if kind.ordered:
        positions = order[first:end]
        batch = tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), tensors)
    else:
        batch = tf.nest.map_structure(lambda tensor: tensor[first:end], tensors)
    return kind.structure(*batch) if kind.structure is not None else batch


def gathered(kind: Kind, tensors: Any, order: Any, number: Any) -> Any:
    """Whole batch `number` of the examples, as XLA takes it: a slice would be compiled anew for each beginning."""
    import tensorflow as tf

    positions = number * kind.size + tf.range(kind.size, dtype=tf.int64)
    if kind.ordered:
        positions = tf.gather(order, positions)
    batch = tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), tensors)
    return kind.structure(*batch) if kind.structure is not None else batch
