"""Changes of training examples: repetition, random changes, weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.data.binding import augment, weights
from dlspec.data.binding.augment import Step
from dlspec.data.binding.targets import Output
from dlspec.data.feeding.examples import Examples, Streamed
from dlspec.data.order.order import Blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of batches of training examples: augmentation and weights of classes.

    Attributes:
        steps: Random changes.
        weights: The weight of each class, by output.
        outputs: The outputs, by name.
        examples: The weight of each example of the table; None where all count alike.
        phased: Random changes in phases of training that have changes of their own, by phase.
        by_weight: Outputs whose loss is divided by the sum of the weights, which therefore need one for each value.
    """

    steps: Sequence[Step]
    weights: Mapping[str, Array]
    outputs: Mapping[str, Output]
    examples: Array | None = None
    phased: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    by_weight: frozenset[str] = frozenset()

    def transform(self, seed: int, phase: str = "") -> Callable[[Any, Any, Any], Any] | None:
        """The transform of a :class:`dlspec.data.feeding.feed.Feed` in a phase; None where nothing is changed.

        With weights, a batch becomes ``(inputs, targets, weights)``: a weight for each example (of a mask: for each of
        its pixels) by output. Where examples weigh, there are two by output: in the loss, and in metrics, of which the
        first is the product with the weight of the class. See :class:`dlspec.standalone.weighed.Weighed`.
        """
        steps = self.phased.get(phase, self.steps)
        if not steps and not self.weights:
            return self.measuring()
        change = augment.transform(steps, self.outputs, seed) if steps else None

        def transform(batch: Any, epoch: Any, numbers: Any) -> Any:
            plain = batch
            if change is not None:
                batch = change(batch, epoch, numbers)
            if not self.weights and self.examples is None:
                return batch
            in_loss = self._weights(plain[1], batch[1])
            return (*batch, in_loss if self.examples is None else self._weighed(plain[1], in_loss, numbers))

        return transform

    def measuring(self) -> Callable[[Any, Any, Any], Any] | None:
        """The transform of batches that are measured, in which classes count alike; None where nothing is changed."""
        if self.examples is None:
            return None

        def transform(batch: Any, epoch: Any, numbers: Any) -> Any:
            return (*batch, self._weighed(batch[1], {}, numbers))

        return transform

    def _weighed(self, targets: Any, in_loss: Mapping[str, Any], numbers: Any) -> Any:
        import tensorflow as tf

        equal = {name: self._equal(name, targets[name]) for name in self.by_weight - in_loss.keys() if name in targets}
        return weighed(targets, {**equal, **in_loss}, tf.gather(tf.constant(self.examples), numbers))

    def _weights(self, plain: Any, changed: Any) -> Any:
        by_output = {}
        for name, target in changed.items():
            if name in self.weights:
                by_output[name] = weights.weighted(self.weights[name], self.outputs[name], target)
            else:
                by_output[name] = self._equal(name, plain[name])
        return by_output

    def _equal(self, name: str, target: Any) -> Any:
        """Weights of 1 for each example, or for each value of a loss that is divided by the sum of the weights."""
        import tensorflow as tf

        if name not in self.by_weight or len(target.shape) < 2:
            # Of the target's rank, or Keras would take them for those of steps.
            return tf.reshape(tf.ones(tf.shape(target)[:1]), (-1, *[1] * (len(target.shape) - 1)))
        if weights.numbered(self.outputs[name]):
            return tf.ones(tf.shape(target))
        return tf.ones(tf.concat([tf.shape(target)[:-1], [1]], axis=0))


def weighed(targets: Any, in_loss: Mapping[str, Any], weights: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights of examples in loss and metrics, by output: those of `in_loss` times their own, and their own.

    Their own stand under "" as well, for what is compared with no target.
    """
    import tensorflow as tf

    by_output = {}
    for name, target in targets.items():
        # Of the target's rank, or Keras would take them for those of steps.
        rank = len(in_loss[name].shape if name in in_loss else target.shape)
        shaped = tf.reshape(weights, (-1, *[1] * (rank - 1)))
        by_output[name] = shaped * in_loss[name] if name in in_loss else shaped
    return by_output, dict.fromkeys([*targets, ""], weights)


class Repeated(Examples):
    """Examples of which some come several times in an epoch.

    Args:
        examples: The examples, in memory.
        positions: Which of them, ascending, also repeated.
        blocks: How many of these each block holds.
    """

    def __init__(self, examples: Examples, positions: Array, blocks: Blocks | None) -> None:
        super().__init__(examples.numbers[positions], blocks, None)
        self._examples, self._positions = examples, positions

    @property
    def _specs(self) -> Any:
        return self._examples._specs

    def batch(self, positions: Any) -> Any:
        """Those at `positions`, an int64 tensor of shape [n] that counts repeated ones by themselves."""
        import tensorflow as tf

        return self._examples.batch(tf.gather(tf.constant(self._positions), positions))

    def finished(self, batch: Any) -> Any:
        """See :meth:`Examples.finished`; that of the examples that are repeated."""
        return self._examples.finished(batch)


def repeated(examples: Examples, positions: Array, blocks: Blocks | None) -> Examples:
    """`examples` at `positions`, which may name one several times."""
    if isinstance(examples, Streamed):
        return examples.at(positions, blocks)
    return Repeated(examples, positions, blocks)
