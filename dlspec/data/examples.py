"""Examples as batches ask for them: from arrays in memory, or read when they are needed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.data.order import Blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


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

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.numbers)

    @property
    def windowed(self) -> bool:
        """Whether they must be read a window of blocks at a time, since single ones are expensive."""
        return False

    @abstractmethod
    def batch(self, positions: Any) -> Any:
        """The examples at `positions`, a tensor of shape [n], as a structure of tensors of shape [n, …].

        It is traced into the pipeline.
        """

    def finished(self, batch: Any) -> Any:
        """`batch` as it enters the model and its loss."""
        if self._finish is None:
            return batch
        return self._finish(*batch)


class InMemory(Examples):
    """Arrays.

    Args:
        values: A structure (tuples, dicts) of arrays whose first axis counts the examples.
    """

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
            return tf.nest.map_structure(tf.convert_to_tensor, self.values)

    def batch(self, positions: Any) -> Any:
        """Gathers."""
        import tensorflow as tf

        with tf.init_scope():
            tensors = self.tensors
        return tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), tensors)


class Streamed(Examples):
    """Examples that are read when a batch needs them.

    Args:
        load: Returns the examples of some numbers, in the structure of `template`; several threads call it.
        template: A structure of ``tf.TensorSpec``, each of shape [None, …].
    """

    def __init__(
        self,
        load: Callable[[Array], Any],
        template: Any,
        numbers: Array,
        blocks: Blocks | None = None,
        finish: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(numbers, blocks, finish)
        self._load = load
        self.template = template

    @property
    def windowed(self) -> bool:
        """With blocks, a window at a time."""
        return self.blocks is not None

    def load(self, positions: Array) -> Sequence[Array]:
        """The arrays at `positions`, in the order in which the template lists them."""
        import tensorflow as tf

        arrays: Sequence[Array] = tf.nest.flatten(self._load(self.numbers[positions]))
        return arrays

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
