"""Examples as batches ask for them: from arrays in memory, or read when they are needed."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.data.order.order import Blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


# Bytes, and examples, that are read at a time; a text counts as so many bytes.
_GROUP, _GROUPED, _TEXT = 2 << 20, 1024, 1024


class Examples(ABC):
    """Some examples, asked for by position (from 0).

    Args:
        numbers: The number of each example in its source; ascending, also repeated.
        blocks: Groups of examples to be visited together; None where any order is fine.
        finish: What is left to do with a batch of them, as TensorFlow operations: layers of preparation that are
            applied to each batch. It gets a batch as :meth:`batch` returns it.
    """

    def __init__(self, numbers: Array, blocks: Blocks | None, finish: Callable[..., Any] | None) -> None:
        self.numbers = numbers
        self.blocks = blocks
        self._finish = finish

    in_memory = False  # whether they are in memory

    def at_epoch(self, epoch: int, seed: int | None) -> None:  # noqa: B027  most are the same in all
        """The next pass is that of an epoch, from 0; `seed` decides its order, None is for that of the examples."""

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.numbers)

    @property
    def finishes(self) -> bool:
        """Whether something is left to do with each batch."""
        return self._finish is not None

    @abstractmethod
    def batch(self, positions: Any) -> Any:
        """The examples at `positions`, a tensor of shape [n], as a structure of tensors of shape [n, …].

        It is traced into a ``tf.data`` pipeline.
        """

    def visited(self, positions: Any, first: Any, end: Any) -> Any:
        """The same of an epoch whose places from `first` to `end` (scalar int64 tensors) have these `positions`."""
        return self.batch(positions)

    def group(self, batch_size: int) -> int:
        """How many batches are read at a time: as many as are small together, since reading has costs of its own."""
        import tensorflow as tf

        size = 0
        for spec in tf.nest.flatten(self._specs):
            size += math.prod(spec.shape[1:]) * (_TEXT if spec.dtype == tf.string else spec.dtype.size)
        return max(1, min(_GROUP // max(1, size), _GROUPED) // batch_size)

    @property
    @abstractmethod
    def _specs(self) -> Any:
        """A structure of ``tf.TensorSpec``, or of the like, of shape [n, …]."""

    def finished(self, batch: Any) -> Any:
        """`batch` as it enters the model and its loss."""
        if self._finish is None:
            return batch
        return self._finish(*batch)


class InMemory(Examples):
    """Examples in memory.

    Args:
        values: A structure (tuples, dicts) of arrays whose first axis counts the examples.
        numbers: Number of each example in its table, shape [examples]; from 0 on unless given.
        blocks: How many of them each block of the table holds.
        finish: What is left to do with each batch; see :meth:`finished`.
    """

    in_memory = True

    def __init__(
        self,
        values: Any,
        numbers: Array | None = None,
        blocks: Blocks | None = None,
        finish: Callable[..., Any] | None = None,
    ) -> None:
        import numpy as np
        import tensorflow as tf

        self.values = values
        count = len(tf.nest.flatten(values)[0])
        super().__init__(numbers if numbers is not None else np.arange(count), blocks, finish)

    @cached_property
    def tensors(self) -> Any:
        """The arrays as tensors in the host's memory."""
        import tensorflow as tf

        with tf.device("CPU:0"):
            tensors = tf.nest.map_structure(as_tensor, self.values)
        # Views of the tensors take the place of the arrays, so that numbers are in memory once.
        self.values = tf.nest.map_structure(
            lambda tensor, array: array if tensor.dtype == tf.string else tensor.numpy(), tensors, self.values
        )
        return tensors

    @property
    def _specs(self) -> Any:
        return self.tensors

    def batch(self, positions: Any) -> Any:
        """The examples at `positions`, an int64 tensor of shape [n]: the structure of tensors of shape [n, …]."""
        import tensorflow as tf

        with tf.init_scope():
            tensors = self.tensors
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), tensors)


class Streamed(Examples):
    """Examples that are read when a batch needs them.

    Args:
        load: Returns the examples of some numbers as a structure of arrays; several threads call it.

    Attributes:
        template: The structure of ``tf.TensorSpec``, each of shape [None, …].
    """

    def __init__(
        self,
        load: Callable[[Array], Any],
        numbers: Array,
        blocks: Blocks | None = None,
        finish: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(numbers, blocks, finish)
        self._load = load
        self.template = _template(load(numbers[:1]))

    @property
    def _specs(self) -> Any:
        return self.template

    def at(self, positions: Array, blocks: Blocks | None) -> Streamed:
        """The examples at `positions`, ascending, also repeated; `blocks` says how many of them each block holds."""
        return Streamed(self._load, self.numbers[positions], blocks, self._finish)

    def load(self, positions: Array) -> Sequence[Array]:
        """The arrays at `positions`, in the order in which the template lists them."""
        import tensorflow as tf

        return [_text_as_bytes(array) for array in tf.nest.flatten(self._load(self.numbers[positions]))]

    def batch(self, positions: Any) -> Any:
        """Calls :meth:`load` from the pipeline."""
        import tensorflow as tf

        specs = tf.nest.flatten(self.template)
        arrays = tf.numpy_function(self.load, [positions], [spec.dtype for spec in specs], stateful=False)
        return self.packed(arrays)

    def packed(self, arrays: Sequence[Any]) -> Any:
        """Tensors that :meth:`load` made, in the structure and with the shapes of the template."""
        import tensorflow as tf

        specs = tf.nest.flatten(self.template)
        for tensor, spec in zip(arrays, specs, strict=True):
            tensor.set_shape(spec.shape)
        return tf.nest.pack_sequence_as(self.template, arrays)


# TensorFlow uses an array in place where it begins at a multiple of this.
_ALIGNMENT = 64


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """An array without values that becomes a tensor without being copied."""
    import numpy as np

    dtype = np.dtype(dtype)
    if dtype.hasobject:
        return np.empty(shape, dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    array: Array = memory[start : start + size].view(dtype).reshape(shape)
    return array


def as_tensor(array: Array) -> Any:
    """An array as a tensor in the host's memory: the same memory where TensorFlow can use it."""
    import tensorflow as tf

    if (
        array.ctypes.data % _ALIGNMENT
        or not array.size
        or array.dtype.kind not in "iuf"
        or not array.flags.c_contiguous
    ):
        return tf.convert_to_tensor(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def _template(examples: Any) -> Any:
    import tensorflow as tf

    def spec(array: Array) -> Any:
        return tf.TensorSpec((None, *array.shape[1:]), tf.string if array.dtype == object else array.dtype)

    return tf.nest.map_structure(spec, examples)


def _text_as_bytes(array: Array) -> Array:
    import numpy as np

    if array.dtype != object:
        return array
    texts: Array = np.array([value.encode() for value in array.flat], object).reshape(array.shape)
    return texts
