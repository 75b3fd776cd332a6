"""Columns of a source as what enters the model and what the loss compares, for any of its examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlspec.core.ir import Tensor
from dlspec.data.binding.drawn import Drawn
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.labelling import IGNORED, among, divided
from dlspec.data.binding.missing import IGNORE, gaps
from dlspec.data.binding.targets import BINARY, CLASSES, Output
from dlspec.data.sources.base import TEXT, Arrays, DataProblem, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# What a value of text takes, its object included.
_TEXT_BYTES = 128


class Rows:
    """The examples of a table, bound to a model's inputs and outputs.

    Args:
        table: The rows.
        inputs: What enters the model, from columns.
        outputs: What it is compared with, from columns.
        drawn: Inputs that no column gives.
        shifted: Outputs that are compared with the next steps of an input, once that is prepared.
    """

    def __init__(
        self,
        table: Table,
        inputs: Sequence[Input],
        outputs: Sequence[Output],
        drawn: Sequence[Drawn] = (),
        shifted: Sequence[Output] = (),
    ) -> None:
        self.table = table
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.drawn = tuple(drawn)
        self.shifted = tuple(shifted)
        users: tuple[Input | Output, ...] = (*inputs, *outputs)
        names = [column for user in users for column in user.columns]
        self._columns = tuple(dict.fromkeys(names))

    @property
    def raw_bytes(self) -> int:
        """About how many bytes an example takes as it is read; it follows from the source and the spec alone."""
        return sum(_bytes(self.table.columns[name].tensor) for name in self._columns)

    @property
    def prepared_bytes(self) -> int:
        """About how many bytes an example takes in memory."""
        prepared = sum(_bytes(user.tensor) for user in self.inputs) + sum(_bytes(user.tensor) for user in self.outputs)
        prepared += sum(_bytes(user.tensor) for user in self.drawn)
        return max(self.raw_bytes, prepared)

    def load(self, numbers: Array) -> tuple[Arrays, Arrays]:
        """Raw and drawn inputs and encoded targets of some examples; several threads may call it at a time."""
        try:
            arrays = self.table.take(self._columns, numbers)
        except DataProblem as problem:
            self.table.trouble = problem
            raise
        inputs = {input_.name: raw_values(input_, arrays) for input_ in self.inputs}
        inputs |= {input_.name: input_.at(numbers) for input_ in self.drawn}
        return inputs, {output.name: encoded(output, arrays) for output in self.outputs}


def _bytes(tensor: Tensor) -> int:
    size = _TEXT_BYTES if tensor.dtype == TEXT else int(re.sub(r"\D", "", tensor.dtype) or 8) // 8
    for axis in tensor.shape:
        size *= axis or 1
    return size


def raw_values(input_: Input, arrays: Arrays) -> Array:
    """Values of one input of the saved model, shape [examples, *raw.shape]; text as objects, bytes as bytes."""
    import numpy as np

    dtype = object if input_.raw.dtype == TEXT else input_.raw.dtype
    if input_.stacked:
        stacked: Array = np.stack([arrays[name].astype(dtype, copy=False) for name in input_.columns], axis=-1)
        return stacked
    values: Array = arrays[input_.columns[0]]
    if input_.length:
        return tokens(values, input_.length)
    if values.dtype != np.uint8 or input_.prepare:  # bytes stay bytes until a batch is made: a quarter of the memory
        values = values.astype(dtype, copy=False)
    shaped: Array = with_rank(values, input_.raw.rank)
    return shaped


def with_rank(values: Any, rank: int) -> Any:
    """`values`, an array or a tensor, with a last axis of 1 added or removed, so that an example has `rank` axes."""
    have = len(values.shape) - 1
    if have < rank:
        return values[..., None]
    return values[..., 0] if have > rank else values


def tokens(values: Array, length: int) -> Array:
    """Texts of whole numbers (``12 7 9``) as rows, cut or filled with 0 at the end: shape [examples, length]."""
    from dlspec.standalone import texts

    return texts.tokens(values, length)


def encoded(output: Output, arrays: Arrays) -> Array:
    """Targets for the loss: numbers, class numbers, one-hot or several-hot vectors [examples, *tensor.shape]."""
    import numpy as np

    if output.separator:
        return _several(output, arrays[output.column])
    if len(output.columns) > 1:
        stacked: Array = np.stack([arrays[name].astype(np.float32) for name in output.columns], axis=-1)
        return np.maximum(stacked, 0) if output.encoding == BINARY else stacked  # -1 is no, too
    values = arrays[output.column]
    lacking = gaps(values) if output.missing == IGNORE else None
    if output.classes:
        values = places(values, output.classes)
    if lacking is not None and lacking.any():
        values = np.where(lacking.reshape(-1, *[1] * (values.ndim - 1)), IGNORED, values)
    if output.expand:
        depth = output.tensor.shape[-1] or 0
        one_hot: Array = np.eye(depth, dtype=np.float32)[with_rank(values.astype(np.int64), output.tensor.rank - 1)]
        return one_hot
    wanted = np.int32 if output.encoding == CLASSES else np.float32
    shaped: Array = with_rank(values.astype(wanted), output.tensor.rank)
    return shaped


def places(values: Array, classes: Sequence[str | int]) -> Array:
    """The place of each value among `classes`; numbers and texts that read alike are the same."""
    import numpy as np

    known, inverse = np.unique(values, return_inverse=True)
    table = {str(value): index for index, value in enumerate(classes)}
    numbers = np.array([table.get(among(value, table) or "", -1) for value in known.tolist()], np.int64)
    placed: Array = numbers[inverse].reshape(values.shape)
    return placed


def _several(output: Output, values: Array) -> Array:
    """One row of zeros and ones for each text that lists labels."""
    import numpy as np

    table = {str(label): index for index, label in enumerate(output.classes)}
    rows = np.zeros((len(values), len(table)), np.float32)
    for row, value in zip(rows, values, strict=True):
        row[[table[label] for label in divided(value, output.separator)]] = 1
    return rows
