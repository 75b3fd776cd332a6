"""Comparison of an exported model with Keras on random inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.export.formats.base import Arrays, Reader
from dlspec.export.formats.naming import by_name
from dlspec.export.formats.reasons import reason
from dlspec.export.formats.samples import batch

TOLERANCE = 1e-4
_COUNTS = (1, 3)
_SIZES = (8, 32, 64, 224)  # for open axes; networks that halve images need more than a few pixels
_SCALE = 1e-3  # outputs that are smaller throughout are compared as if they reached this


class NoComparison(Exception):
    """There is nothing to compare with; the text says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Inputs and what the Keras model makes of them, one batch beside the other."""

    inputs: Sequence[Arrays]
    outputs: Sequence[Arrays]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Largest difference of each output over all batches, relative to the scale of the output."""

    batches: int
    differences: Mapping[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The output that differs most, and how much."""
        name = max(self.differences, key=lambda key: self.differences[key])
        return name, self.differences[name]


def reference(named: Any) -> Reference:
    """Runs the model on a batch of one and a batch of three random examples.

    Raises:
        NoComparison: The model takes none of the random inputs, or its outputs are random.
    """
    run = by_name(named, list(named.output))
    open_axes = any(axis is None for tensor in named.inputs for axis in tensor.shape[1:])
    refusal = ""
    for size in _SIZES if open_axes else _SIZES[:1]:
        inputs = [batch(named, count, size * number, number) for number, count in enumerate(_COUNTS, 1)]
        try:
            outputs = [run(sample) for sample in inputs]
        except Exception as error:  # TensorFlow raises of every kind
            refusal = reason(error)
            continue
        if any(value.size == 0 for output in outputs for value in output.values()):
            refusal = "nothing comes out"
            continue
        again = run(inputs[0])
        if any(difference([(value, again[name])]) > 0 for name, value in outputs[0].items()):
            raise NoComparison("its outputs are random")
        return Reference(inputs, outputs)
    raise NoComparison(f"the model takes no random inputs: {refusal}")


def compare(expected: Reference, read: Reader) -> Comparison:
    """Runs the exported model on the same inputs."""
    got = [read(inputs) for inputs in expected.inputs]
    differences = {}
    for name in expected.outputs[0]:
        pairs = [(wanted[name], other.get(name)) for wanted, other in zip(expected.outputs, got, strict=True)]
        differences[name] = difference(pairs)
    return Comparison(len(got), differences)


def difference(pairs: Sequence[tuple[Any, Any]]) -> float:
    """Largest absolute difference, divided by the largest magnitude expected (at least 0.001).

    Infinite where an array is missing, or where shapes, texts, or the places of infinite and undefined values differ.

    Args:
        pairs: Arrays as expected and as they came, one pair for each batch.
    """
    gaps, scale = [0.0], _SCALE
    for expected, got in pairs:
        gap, magnitude = _gap(expected, got)
        gaps.append(gap)
        scale = max(scale, magnitude)
    return max(gaps) / scale


def _gap(expected: Any, got: Any) -> tuple[float, float]:
    """Largest difference, and largest magnitude expected."""
    import numpy as np

    if got is None or expected.shape != got.shape:
        return float("inf"), 0.0
    if expected.dtype.kind in "OSU":
        return (0.0 if np.array_equal(expected, got) else float("inf")), 0.0
    wanted, other = expected.astype("float64"), got.astype("float64")
    finite = np.isfinite(wanted)
    if not np.array_equal(wanted[~finite], other[~finite], equal_nan=True) or not np.isfinite(other[finite]).all():
        return float("inf"), 0.0
    gaps = np.abs(wanted[finite] - other[finite])
    return float(gaps.max(initial=0.0)), float(np.abs(wanted[finite]).max(initial=0.0))
