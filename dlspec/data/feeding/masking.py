"""Examples of which some steps are hidden: in training others each epoch, elsewhere always the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.binding.masking import Mask
from dlspec.data.binding.targets import Output
from dlspec.data.feeding.examples import Examples, InMemory
from dlspec.data.feeding.parts import Part
from dlspec.data.order.splits import PARTS
from dlspec.data.sources.base import Arrays
from dlspec.standalone import made as making

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# An output, and how the steps are hidden that it is compared with.
Masked = tuple[Output, Mask]


def hide(rows: Array, mask: Mask, occurring: Array, *seeds: int) -> tuple[Array, Array]:
    """Rows of indices with hidden steps, and what stood there: see :func:`dlspec.standalone.made.hide`."""
    hidden, expected = making.hide(rows, mask.share, mask.index, mask.marks, occurring, *seeds)
    return hidden, expected


def occurring_indices(train: Part, outputs: Sequence[Masked]) -> dict[str, Array]:
    """The indices that occur in the training rows and may be hidden, by input, ascending.

    Args:
        train: Prepared rows of the training split.
        outputs: Those that are compared with hidden steps.

    Raises:
        Problem: E564, there are fewer than two.
    """
    occurring = {}
    for output, mask in outputs:
        listed = making.occurring_indices(train.inputs[output.input], mask.marks)
        if len(listed) < 2:
            message = f"the training rows of input `{output.input}` hold {len(listed)} indices that can be hidden"
            raise Problem("E564", f"{message}, and two are needed", "take rows with more of them")
        occurring[output.input] = listed
    return occurring


class MaskedExamples(Examples):
    """Examples in memory of which some steps are hidden.

    What is hidden follows from the seed, the part, the epoch and the place of an example among the others.

    Args:
        examples: Those without anything hidden.
        outputs: The outputs that are compared with what is hidden.
        occurring: As :func:`occurring_indices` gives them.
        part: Which part of the split they are of.
        changing: Whether each epoch hides other steps.
    """

    in_memory = True

    def __init__(
        self,
        examples: Examples,
        outputs: Sequence[Masked],
        occurring: Mapping[str, Array],
        part: str,
        *,
        changing: bool = False,
    ) -> None:
        super().__init__(examples.numbers, examples.blocks, None)
        self._examples, self._outputs, self._occurring = examples, tuple(outputs), occurring
        self._part, self._changing, self._epoch = PARTS.index(part) + 1, changing, -1
        self._rows = self._whole_rows()
        drawn = self._drawn(0)
        self._hidden, self._expected = ({name: self._kept(own) for name, own in each.items()} for each in drawn)

    def _whole_rows(self) -> dict[str, Array]:
        """The rows of all examples, by input."""
        import tensorflow as tf

        with tf.device("CPU:0"):
            inputs = self._examples.batch(tf.range(self.count, dtype=tf.int64))[0]
        return {output.input: inputs[output.input].numpy() for output, _ in self._outputs}

    def _kept(self, values: Array) -> Any:
        import tensorflow as tf

        with tf.device("CPU:0"):
            return tf.Variable(values, trainable=False) if self._changing else tf.constant(values)

    def _drawn(self, number: int) -> tuple[dict[str, Array], dict[str, Array]]:
        """What enters, by input, and what is to be expected, by output."""
        entering, expected = {}, {}
        for output, mask in self._outputs:
            seeds = (mask.seed, self._part, number)
            rows, occurring = self._rows[output.input], self._occurring[output.input]
            entering[output.input], expected[output.name] = hide(rows, mask, occurring, *seeds)
        return entering, expected

    def at_epoch(self, epoch: int, seed: int | None) -> None:
        """Sets the epoch, from 0, whose steps are hidden next."""
        self._examples.at_epoch(epoch, seed)
        if self._changing and epoch != self._epoch:
            self._epoch = epoch
            for kept, drawn in zip((self._hidden, self._expected), self._drawn(epoch + 1), strict=True):
                for name, values in drawn.items():
                    kept[name].assign(values)

    @property
    def _specs(self) -> Any:
        import tensorflow as tf

        return self.batch(tf.zeros((1,), tf.int64))

    def batch(self, positions: Any) -> Any:
        """See :meth:`Examples.batch`."""
        import tensorflow as tf

        inputs, targets = self._examples.batch(positions)
        expected = {name: tf.gather(values, positions) for name, values in self._expected.items()}
        hidden = {name: tf.gather(values, positions) for name, values in self._hidden.items()}
        return {**inputs, **hidden}, {**targets, **expected}

    def fixed(self) -> InMemory:
        """All of them as arrays."""
        import tensorflow as tf

        with tf.device("CPU:0"):
            batch = self.batch(tf.range(self.count, dtype=tf.int64))
        values: tuple[Arrays, Arrays] = tf.nest.map_structure(lambda tensor: _array(tensor), batch)
        return InMemory(values, self.numbers, self.blocks)


def _array(tensor: Any) -> Array:
    values: Array = tensor.numpy()
    return values


def masked_outputs(outputs: Sequence[Output]) -> tuple[Masked, ...]:
    """Those that are compared with hidden steps of an input, and how these are hidden."""
    return tuple((output, output.mask) for output in outputs if output.mask is not None)


def with_hidden_steps(
    outputs: Sequence[Masked], occurring: Mapping[str, Array], fed: Examples, train: Part, *others: Part | None
) -> tuple[Part, Part | None, Part | None, Examples]:
    """Parts with hidden steps, always the same ones, and what an epoch of training visits, each time with others.

    Args:
        outputs: Those that are compared with them.
        occurring: As :func:`occurring_indices` gives them.
        fed: What an epoch visits.
        train: Examples of the training split.
        others: Those of validation and test.
    """

    def hidden(part: Part, name: str) -> Part:
        return replace(part, examples=MaskedExamples(part.examples, outputs, occurring, name).fixed())

    validation, test = (
        None if part is None else hidden(part, name) for name, part in zip(PARTS[1:], others, strict=True)
    )
    changing = MaskedExamples(fed, outputs, occurring, "train", changing=True)
    return hidden(train, "train"), validation, test, changing
