"""From the data section to arrays that train: read, split, fit the preparation on the training split, apply it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.binding import Binding, bind
from dlspec.data.examples import Examples, InMemory
from dlspec.data.findings import Findings
from dlspec.data.inputs import Input
from dlspec.data.signature import Signature
from dlspec.data.sources.base import TEXT, Arrays
from dlspec.data.splits import Parts, assign, stratify_column
from dlspec.data.targets import CLASSES, Output
from dlspec.errors import SpecError
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split.

    Attributes:
        examples: Batches of them are ``(inputs, targets)``: what enters each input of the model, and what the loss
            compares with each output, tensors of shape [n, …] by name.
    """

    examples: Examples

    @property
    def count(self) -> int:
        """How many examples."""
        return self.examples.count

    @property
    def streamed(self) -> bool:
        """Whether the examples are not in memory."""
        return not isinstance(self.examples, InMemory)

    @property
    def inputs(self) -> Arrays:
        """What enters the model, by input: arrays of shape [examples, …]. Only of a part in memory."""
        assert isinstance(self.examples, InMemory)
        inputs: Arrays = self.examples.values[0]
        return inputs

    @property
    def targets(self) -> Arrays:
        """What the loss compares with each output: arrays of shape [examples, …]. Only of a part in memory."""
        assert isinstance(self.examples, InMemory)
        targets: Arrays = self.examples.values[1]
        return targets


@dataclass(frozen=True, slots=True)
class Prepared:
    """Data ready to train.

    Attributes:
        layers: Fitted Keras layers of each input that is prepared, in order.
    """

    binding: Binding
    parts: Parts
    train: Part
    validation: Part | None
    test: Part | None
    layers: dict[str, list[Any]]

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Class names by output, where the target is text."""
        return {output.name: output.classes for output in self.binding.outputs if output.classes}


def prepare(
    data: Data, folder: Path, signature: Signature, method: Supervised | None, *, allow_outside: bool = False
) -> Prepared:
    """Reads and prepares everything.

    Args:
        data: The section.
        folder: The spec's folder.
        signature: What the model takes and gives.
        method: The way of training, whose losses say how targets are encoded.
        allow_outside: Whether paths may leave `folder`.

    Raises:
        SpecError: What :func:`dlspec.data.contract.check` reports.
        DataProblem: A file changed since it was checked.
    """
    findings = Findings()
    binding = bind(data, folder, signature, method, findings, allow_outside=allow_outside)
    if binding is None or findings.items:
        raise SpecError(findings.diagnostics({}))
    column = stratify_column(data)
    arrays = binding.table.read(dict.fromkeys((*binding.columns, *([column] if column else []))))
    parts = assign(data.parts, binding.count, arrays[column] if column else None)
    layers: dict[str, list[Any]] = {}
    inputs: dict[str, Array] = {}
    for one in binding.inputs:
        inputs[one.name], layers[one.name] = _prepared(one, raw_values(one, arrays), parts.train)
    targets = {output.name: _encoded(output, arrays[output.column]) for output in binding.outputs}

    def part(indices: Array) -> Part:
        return Part(InMemory((_take(inputs, indices), _take(targets, indices)), numbers=indices))

    return Prepared(
        binding,
        parts,
        part(parts.train),
        part(parts.validation) if len(parts.validation) else None,
        part(parts.test) if len(parts.test) else None,
        {name: fitted for name, fitted in layers.items() if fitted},
    )


def _take(arrays: Arrays, indices: Array) -> Arrays:
    return {name: values[indices] for name, values in arrays.items()}


def raw_values(one: Input, arrays: Arrays) -> Array:
    """What enters the saved model for one input: shape [examples, *raw.shape]; text as objects, bytes as bytes."""
    import numpy as np

    dtype = object if one.raw.dtype == TEXT else one.raw.dtype
    if one.stacked:
        return np.stack([arrays[name].astype(dtype, copy=False) for name in one.columns], axis=-1)
    values = arrays[one.columns[0]]
    if values.dtype != np.uint8 or one.prepare:  # bytes stay bytes until a batch is made: a quarter of the memory
        values = values.astype(dtype, copy=False)
    return to_rank(values, one.raw.rank)


def to_rank(values: Array, rank: int) -> Array:
    """`values` with a last axis of 1 added or removed, so that an example has `rank` axes."""
    if values.ndim - 1 < rank:
        return values[..., None]
    return values[..., 0] if values.ndim - 1 > rank else values


def _prepared(one: Input, values: Array, train: Array) -> tuple[Array, list[Any]]:
    """Fits each layer on the training examples alone, then applies it to all."""
    layers = []
    for layer in (layer.make() for layer in one.prepare):
        if hasattr(layer, "adapt"):
            layer.adapt(_tensor(values[train]))
        values = _applied(layer, values)
        layers.append(layer)
    return to_rank(values, one.tensor.rank), layers


def _applied(layer: Callable[[Any], Any], values: Array) -> Array:
    import numpy as np

    chunks = [layer(_tensor(values[start : start + _CHUNK])) for start in range(0, len(values), _CHUNK)]
    return np.concatenate([np.asarray(chunk) for chunk in chunks])


def _tensor(values: Array) -> Any:
    import tensorflow as tf

    return tf.constant(values.tolist() if values.dtype == object else values)


def _encoded(output: Output, values: Array) -> Array:
    """What the loss receives: numbers, class numbers or one-hot vectors of shape [examples, *tensor.shape]."""
    import numpy as np

    if output.classes:
        values = np.searchsorted(np.array(output.classes, dtype=object), values)
    if output.expand:
        depth = output.tensor.shape[-1] or 0
        return np.eye(depth, dtype=np.float32)[to_rank(values.astype(np.int64), output.tensor.rank - 1)]
    return to_rank(values.astype(np.int32 if output.encoding == CLASSES else np.float32), output.tensor.rank)
