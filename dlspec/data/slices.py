"""Batches of examples in memory that the training step cuts out itself: no pipeline, no thread, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Slices:
    """Where the next batch of an epoch begins.

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
    def kind(self) -> tuple[Any, ...]:
        """What a compiled function that cuts out batches depends on, besides its arguments."""
        return self.size, self.structure, self.order is None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What such a function takes before the number of steps."""
        import tensorflow as tf

        return self.tensors, self.order, tf.constant(self.next, tf.int64)

    def signature(self) -> tuple[Any, ...]:
        """The types of :attr:`arguments`, for any number of examples."""
        import tensorflow as tf

        def spec(tensor: Any) -> Any:
            return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)

        order = None if self.order is None else tf.TensorSpec((None,), tf.int64)
        return tf.nest.map_structure(spec, self.tensors), order, tf.TensorSpec((), tf.int64)


def cut(slices: Slices, tensors: Any, order: Any, number: Any) -> Any:
    """Batch `number`, traced: of `slices` only what :attr:`Slices.kind` names is used."""
    import tensorflow as tf

    count = tf.shape(tf.nest.flatten(tensors)[0] if order is None else order, tf.int64)[0]
    first, end = number * slices.size, tf.minimum((number + 1) * slices.size, count)
    if order is None:
        batch = tf.nest.map_structure(lambda tensor: tensor[first:end], tensors)
    else:
        positions = order[first:end]
        batch = tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), tensors)
    return slices.structure(*batch) if slices.structure is not None else batch
