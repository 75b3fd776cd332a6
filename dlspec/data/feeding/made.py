"""Examples that are made out of the rows of a part, while batches ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import load_attribute
from dlspec.core.ir import Tensor
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.splitting import none_made
from dlspec.data.binding.targets import Output
from dlspec.data.binding.values import with_rank
from dlspec.data.feeding.examples import Examples, as_tensor
from dlspec.data.feeding.recipes import Recipe
from dlspec.data.order.splits import PARTS
from dlspec.data.sources.base import Arrays

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class MadeExamples(Examples):
    """Examples out of rows in memory.

    What is drawn follows from the seed, the part and the epoch alone; outside of training from the seed and the part.

    Args:
        binding: What enters the model, and what is compared.
        rows: Prepared inputs and encoded targets of the rows: arrays of shape [rows, …] by name.
        numbers: The number of each row in its source.
        part: Which part of the split they are of.
        changing: Whether each epoch draws anew.

    Raises:
        Problem: E619, the rows give no example.
    """

    in_memory = True

    def __init__(
        self, binding: Binding, rows: tuple[Arrays, Arrays], numbers: Array, part: str, *, changing: bool = False
    ) -> None:
        import numpy as np

        made = binding.made
        assert made is not None
        recipe = _recipe(binding, rows[0], numbers)
        if not len(recipe.rows):
            raise none_made(made.maker.name, part)
        super().__init__(numbers[recipe.rows], None, None)
        self._binding, self._made, self._recipe = binding, made, recipe
        self._seeds, self._changing, self._epoch = (made.seed, PARTS.index(part) + 1), changing, -1
        self._rows = ({name: rows[0][name] for name in rows[0] if name != made.source.name}, rows[1])
        if not made.maker.by_row:  # what is drawn for an input is drawn for each example
            places = np.arange(self.count)
            self._rows = ({input_.name: input_.at(places) for input_ in binding.drawn}, {})

    @cached_property
    def _drawn(self) -> dict[str, Any]:
        """What is drawn: variables where it changes between epochs."""
        import tensorflow as tf

        drawn = self._recipe.drawn(*self._seeds, 0)
        make = tf.Variable if self._changing else tf.constant
        with tf.device("CPU:0"):
            return {
                name: make(values, **({"trainable": False} if self._changing else {})) for name, values in drawn.items()
            }

    @cached_property
    def _tensors(self) -> tuple[Mapping[str, Any], Mapping[str, Any], tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Lines, arrays and rows in the host's memory."""
        import tensorflow as tf

        lines, recipe = {}, self._recipe
        with tf.device("CPU:0"):
            same: dict[int, Any] = {}
            for name, line in recipe.lines.items():  # one tensor for what several names stand in
                lines[name] = same.setdefault(id(line), as_tensor(line))
            arrays = {name: as_tensor(values) for name, values in recipe.arrays.items()}
            rows = tf.nest.map_structure(as_tensor, self._rows)
        return lines, arrays, rows

    def at_epoch(self, epoch: int, seed: int | None) -> None:
        """Sets the epoch, from 0, whose draws the next examples have."""
        if self._changing and epoch != self._epoch:
            self._epoch = epoch
            for name, values in self._recipe.drawn(*self._seeds, epoch + 1).items():
                self._drawn[name].assign(values)

    @cached_property
    def _specs(self) -> Any:
        import tensorflow as tf

        return self.batch(tf.zeros((1,), tf.int64))

    @property
    def values(self) -> tuple[Arrays, Arrays]:
        """All examples as arrays of shape [examples, …]."""
        import tensorflow as tf

        result: tuple[Arrays, Arrays] = tf.nest.map_structure(_array, self.batch(tf.range(self.count, dtype=tf.int64)))
        return result

    @property
    def targets(self) -> Arrays:
        """Targets of all examples by output: arrays of shape [examples, …]."""
        import tensorflow as tf

        result: Arrays = tf.nest.map_structure(_array, self._targets(tf.range(self.count, dtype=tf.int64)))
        return result

    def batch(self, positions: Any) -> Any:
        """Inputs and targets of the examples at `positions`, an int64 tensor of shape [n]."""
        import tensorflow as tf

        with tf.init_scope():
            of_rows = self._tensors[2][0]
        inputs = {name: tf.gather(values, positions) for name, values in of_rows.items()}
        for input_ in self._made.inputs:
            value = self._value(input_.name, positions)
            if input_.cut and len(value.shape) == 2:  # the last steps are those that a target is ahead
                value = value[:, : input_.tensor.shape[0]]
            inputs[input_.name] = _like(value, input_.tensor)
        return inputs, self._targets(positions)

    def _targets(self, positions: Any) -> dict[str, Any]:
        import tensorflow as tf

        with tf.init_scope():
            of_rows = self._tensors[2][1]
        result = {name: tf.gather(values, positions) for name, values in of_rows.items()}
        for output in self._binding.outputs:
            if output.name in result or output.mask is not None:  # hidden steps are chosen of what is made
                continue
            if output.input:
                result[output.name] = _like(self._ahead(output, positions), output.tensor)
                continue
            value = self._value(output.column, positions)
            if output.expand:
                value = tf.one_hot(with_rank(value, output.tensor.rank - 1), output.tensor.shape[-1] or 0)
            result[output.name] = _like(value, output.tensor)
        return result

    def _ahead(self, output: Output, positions: Any) -> Any:
        """The next indices of some pieces; outside of training 0 in place of the first, where these are only read."""
        import tensorflow as tf

        steps = self._value(output.input, positions)[:, output.shift :]
        if self._seeds[1] == 1:  # of training
            return steps
        return tf.where(tf.range(tf.shape(steps)[1]) < self._made.maker.context, tf.zeros_like(steps), steps)

    def _value(self, name: str, positions: Any) -> Any:
        """What some examples have under a name that is given."""
        import tensorflow as tf

        with tf.init_scope():
            (lines, arrays, _), drawn = self._tensors, self._drawn
        chosen = tf.gather(drawn[name] if name in drawn else arrays[name], positions)
        if name in self._recipe.offsets:
            chosen = chosen[:, None] + self._recipe.offsets[name]
        return tf.gather(lines[name], chosen) if name in lines else chosen


def _recipe(binding: Binding, inputs: Arrays, numbers: Array) -> Recipe:
    import numpy as np

    made = binding.made
    assert made is not None
    classes = np.zeros(0, np.int64)
    if made.maker.same:
        _, classes = np.unique(binding.table.whole(made.maker.same)[numbers], return_inverse=True)
    result: Recipe = load_attribute(made.maker.recipe)(made.maker, inputs[made.source.name], classes)
    return result


def _like(value: Any, tensor: Tensor) -> Any:
    """A batch in the rank and type of a tensor; bytes stay bytes, as everywhere until they enter the model."""
    import tensorflow as tf

    value = with_rank(value, tensor.rank)
    return value if value.dtype in (tf.uint8, tf.string) else tf.cast(value, tensor.dtype)


def _array(value: Any) -> Array:
    result: Array = value.numpy()
    return result
