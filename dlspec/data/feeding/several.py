"""Rows of several sources side by side: one pass over the first, while the others go round."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.data.binding.binding import Binding
from dlspec.data.binding.values import Rows
from dlspec.data.feeding.examples import Examples, InMemory, as_tensor
from dlspec.data.order.order import going_round
from dlspec.data.order.splits import PARTS, choose
from dlspec.data.sources.base import Arrays

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def beside(first: InMemory, others: Sequence[Arrays]) -> InMemory:
    """Rows of the first source with those of others beside them, as they are met outside of training.

    Row *i* meets row *i* of each other source, which begins anew where it ends.

    Args:
        first: Batches of them are ``(inputs, targets)``.
        others: Inputs of each other one: arrays of shape [rows, …] by name.
    """
    inputs, targets = first.values
    added = {name: values for rows in others for name, values in met(rows, first.count).items()}
    return InMemory((inputs | added, targets), first.numbers, first.blocks)


def met(rows: Arrays, count: int) -> Arrays:
    """The rows of another source that `count` rows of the first one meet outside of training."""
    return {name: values[going_round(len(values), count, 0, 1, None)] for name, values in rows.items()}


def raw_beside(binding: Binding, part: str, numbers: Array, some: Array) -> Arrays:
    """Raw inputs of other sources that some examples of a part meet outside of training.

    Args:
        binding: The first source, with the others.
        part: Name of the part.
        numbers: All examples of the first source in it, ascending.
        some: Those that are asked for.
    """
    import numpy as np

    inputs: Arrays = {}
    for other in binding.others:
        own = other.binding
        theirs = choose(other.data, own.table, own.count, own.dropped())[PARTS.index(part)]
        met = theirs[np.searchsorted(numbers, some) % len(theirs)]
        kept, places = np.unique(met, return_inverse=True)
        values, _ = Rows(own.table, own.inputs, ()).load(kept)
        inputs |= {name: array[places] for name, array in values.items()}
    return inputs


class GoingRound(Examples):
    """Training examples of the first source, each with rows of the others, which go on from epoch to epoch.

    Args:
        first: What an epoch visits of the first source.
        others: Prepared inputs of the training rows of each other one: arrays of shape [rows, …] by name.
    """

    in_memory = True

    def __init__(self, first: Examples, others: Sequence[Arrays]) -> None:
        super().__init__(first.numbers, first.blocks, None)
        self._first, self._others = first, list(others)

    @cached_property
    def _tensors(self) -> list[dict[str, Any]]:
        """The rows of the others in the host's memory."""
        import tensorflow as tf

        with tf.device("CPU:0"):
            return [{name: as_tensor(values) for name, values in rows.items()} for rows in self._others]

    @cached_property
    def _met(self) -> list[Any]:
        """The rows of each other source that an epoch meets, by place: int64 variables of shape [examples]."""
        import tensorflow as tf

        with tf.device("CPU:0"):
            return [tf.Variable(tf.zeros((self.count,), tf.int64), trainable=False) for _ in self._others]

    def at_epoch(self, epoch: int, seed: int | None) -> None:
        """Each other source goes on where the epoch before ended."""
        for number, (rows, variable) in enumerate(zip(self._others, self._met, strict=True), 1):
            count = len(next(iter(rows.values())))
            variable.assign(going_round(count, self.count, epoch, number, seed))

    def batch(self, positions: Any) -> Any:
        """Examples as they are met outside of training."""
        return self._with_others(positions, [positions % len(next(iter(rows.values()))) for rows in self._others])

    def visited(self, positions: Any, first: Any, end: Any) -> Any:
        """Examples of some places of an epoch."""
        return self._with_others(positions, [variable[first:end] for variable in self._met])

    def _with_others(self, positions: Any, met: Sequence[Any]) -> Any:
        import tensorflow as tf

        with tf.init_scope():
            tensors = self._tensors
        inputs, targets = self._first.batch(positions)
        inputs = dict(inputs)
        for rows, chosen in zip(tensors, met, strict=True):
            inputs |= {name: tf.gather(values, chosen) for name, values in rows.items()}
        return inputs, targets

    @cached_property
    def _specs(self) -> Any:
        import tensorflow as tf

        return self.batch(tf.zeros((1,), tf.int64))
