"""Columns of a source as what enters the model and what the loss compares, for any of its examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlspec.data.inputs import Input
from dlspec.data.sources.base import TEXT, Arrays, Table
from dlspec.data.targets import CLASSES, Output
from dlspec.ir import Tensor

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# What a value of text takes, its object included.
_TEXT_BYTES = 128


class Rows:
    """The examples of a table, bound to a model's inputs and outputs."""

    def __init__(self, table: Table, inputs: Sequence[Input], outputs: Sequence[Output]) -> None:
        self.table = table
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        names = [column for one in inputs for column in one.columns] + [one.column for one in outputs]
        self._columns = tuple(dict.fromkeys(names))

    @property
    def raw_bytes(self) -> int:
        """About how many bytes an example takes as it is read; it follows from the source and the spec alone."""
        return sum(_bytes(self.table.columns[name].tensor) for name in self._columns)

    @property
    def prepared_bytes(self) -> int:
        """About how many bytes an example takes in memory."""
        prepared = sum(_bytes(one.tensor) for one in self.inputs) + sum(_bytes(one.tensor) for one in self.outputs)
        return max(self.raw_bytes, prepared)

    def load(self, numbers: Array) -> tuple[Arrays, Arrays]:
        """Raw inputs and encoded targets of the examples number `numbers`; several threads may call it at a time."""
        import numpy as np

        if len(numbers) and (np.diff(numbers) < 0).any():
            return self._unsorted(numbers)
        arrays = self.table.take(self._columns, numbers)
        inputs = {one.name: raw_values(one, arrays) for one in self.inputs}
        return inputs, {one.name: encoded(one, arrays[one.column]) for one in self.outputs}

    def _unsorted(self, numbers: Array) -> tuple[Arrays, Arrays]:
        """Reads in the order of the files, and mixes whole rows: faster than mixing each column."""
        import numpy as np

        order = np.argsort(numbers, kind="stable")
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        inputs, targets = self.load(numbers[order])
        return take(inputs, back), take(targets, back)


def _bytes(tensor: Tensor) -> int:
    size = _TEXT_BYTES if tensor.dtype == TEXT else int(re.sub(r"\D", "", tensor.dtype) or 8) // 8
    for axis in tensor.shape:
        size *= axis or 1
    return size


def take(arrays: Arrays, indices: Array) -> Arrays:
    """The examples at `indices` of each array."""
    return {name: values.take(indices, axis=0) for name, values in arrays.items()}


def raw_values(one: Input, arrays: Arrays) -> Array:
    """What enters the saved model for one input: shape [examples, *raw.shape]; text as objects, bytes as bytes."""
    import numpy as np

    dtype = object if one.raw.dtype == TEXT else one.raw.dtype
    if one.stacked:
        stacked: Array = np.stack([arrays[name].astype(dtype, copy=False) for name in one.columns], axis=-1)
        return stacked
    values: Array = arrays[one.columns[0]]
    if values.dtype != np.uint8 or one.prepare:  # bytes stay bytes until a batch is made: a quarter of the memory
        values = values.astype(dtype, copy=False)
    found: Array = with_rank(values, one.raw.rank)
    return found


def with_rank(values: Any, rank: int) -> Any:
    """`values`, an array or a tensor, with a last axis of 1 added or removed, so that an example has `rank` axes."""
    have = len(values.shape) - 1
    if have < rank:
        return values[..., None]
    return values[..., 0] if have > rank else values


def encoded(output: Output, values: Array) -> Array:
    """What the loss receives: numbers, class numbers or one-hot vectors of shape [examples, *tensor.shape]."""
    import numpy as np

    if output.classes:
        values = np.searchsorted(np.array(output.classes, dtype=object), values)
    if output.expand:
        depth = output.tensor.shape[-1] or 0
        one_hot: Array = np.eye(depth, dtype=np.float32)[with_rank(values.astype(np.int64), output.tensor.rank - 1)]
        return one_hot
    wanted = np.int32 if output.encoding == CLASSES else np.float32
    found: Array = with_rank(values.astype(wanted), output.tensor.rank)
    return found
