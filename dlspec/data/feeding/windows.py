"""Batches from windows: examples that are cheap to read only with their neighbours, such as row groups of a file."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dlspec.data.feeding.examples import Streamed, aligned
from dlspec.data.feeding.mapping import unconverted
from dlspec.data.order.order import Blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Windows read at a time, ahead of the one that is trained on.
_PARALLEL = 2


class Windows:
    """The windows of all epochs of some examples, read and mixed one after the other."""

    def __init__(self, examples: Streamed, blocks: Blocks, seed: int, *, shuffle: bool) -> None:
        self._examples, self._blocks = examples, blocks
        self._seed, self._shuffle = seed, shuffle
        self._plan = lru_cache(maxsize=2)(self._make_plan)

    def count(self, epoch: int) -> int:
        """Windows of an epoch; their sizes differ, so epochs may differ by some."""
        return len(self._plan(epoch)[0])

    def pieces(self, epoch: Any, windows: Any, skipped: int) -> Any:
        """A dataset of ``(numbers, examples)``, a window each, in the order of an epoch.

        Args:
            epoch: A scalar int64 variable, or a tensor.
            windows: The number of windows of that epoch, likewise.
            skipped: How many examples are left out at the beginning.
        """
        import tensorflow as tf

        specs = tf.nest.flatten(self._examples.template)
        dtypes = [tf.int64, *(spec.dtype for spec in specs)]

        def load(number: Any) -> Any:
            left_out = tf.constant(skipped, tf.int64)
            numbers, *arrays = tf.numpy_function(self._load, [epoch, number, left_out], dtypes)
            numbers.set_shape([None])
            return numbers, self._examples.packed(arrays)

        # The range is made when a pass begins, as large as the epoch then needs it.
        ranges = tf.data.Dataset.from_tensors(0).flat_map(unconverted(lambda _: tf.data.Dataset.range(windows)))
        whole = ranges.map(unconverted(load), num_parallel_calls=_PARALLEL, deterministic=True)
        return whole.filter(unconverted(lambda numbers, _: tf.size(numbers) > 0))

    def _load(self, epoch: Any, number: Any, skipped: Any) -> list[Array]:
        """Numbers and arrays of the window's examples; none where all come before number `skipped` of the epoch."""
        windows, starts = self._plan(int(epoch))
        first = max(0, int(skipped) - starts[number])
        if first >= starts[number + 1] - starts[number]:
            return self._nothing()
        positions = self._blocks.examples(windows[number], self._seed, int(epoch), int(number), shuffle=self._shuffle)
        positions = positions[first:]
        return [self._examples.numbers[positions], *self._gathered(positions, windows[number])]

    def _gathered(self, positions: Array, blocks: Array) -> list[Array]:
        """The examples at `positions`, read in the order of the files and a block at a time, which saves memory."""
        import numpy as np
        import tensorflow as tf

        specs = tf.nest.flatten(self._examples.template)
        arrays = [aligned((len(positions), *spec.shape[1:]), spec.dtype.as_numpy_dtype) for spec in specs]
        order = np.argsort(positions)
        edges = np.searchsorted(positions[order], np.sort(self._blocks.starts[blocks]))
        for piece in np.split(order, edges[1:]):
            if len(piece):
                for array, values in zip(arrays, self._examples.load(positions[piece]), strict=True):
                    array[piece] = values
        return arrays

    def _nothing(self) -> list[Array]:
        import numpy as np
        import tensorflow as tf

        specs = tf.nest.flatten(self._examples.template)
        empty = [np.empty((0, *spec.shape[1:]), spec.dtype.as_numpy_dtype) for spec in specs]
        return [np.empty(0, np.int64), *empty]

    def _make_plan(self, epoch: int) -> tuple[list[Array], list[int]]:
        """The blocks of each window, and the position of its first example in the epoch, with the end."""
        windows = self._blocks.windows(self._seed, epoch, shuffle=self._shuffle)
        starts = [0]
        for blocks in windows:
            starts.append(starts[-1] + sum(self._blocks.sizes[block] for block in blocks))
        return windows, starts
