"""Texts as `text_vectorization` takes them apart, and how many indices a row has, without TensorFlow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.filling import TextImputation
from dlspec.components.layers.lookup import TextVectorization
from dlspec.components.layers.sequences import MarkedSequence
from dlspec.core.errors import Problem
from dlspec.data.binding.column_types import token_ids
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.made import Made
from dlspec.data.order.splits import PARTS, Parts
from dlspec.data.sources.base import Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# What the standard preparation of `text_vectorization` takes out of texts.
_PUNCTUATION = re.compile(rb"[!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']")


def splits(layer: Any) -> bool:
    """Whether a layer takes texts apart in a way that is known here."""
    return isinstance(layer, TextVectorization) and layer.ngrams is None and layer.split is not None


def parts_of(layer: Any, value: str) -> list[bytes]:
    """The words or characters of a text, in order."""
    text = value.encode()
    if layer.standardize in ("lower", "lower_and_strip_punctuation"):
        text = text.lower()  # of bytes: letters beyond ASCII stay as they are, as in TensorFlow
    if layer.standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
        text = _PUNCTUATION.sub(b"", text)
    return text.split() if layer.split == "whitespace" else [sign.encode() for sign in text.decode()]


def example_count(made: Made, table: Table, numbers: Array) -> int | None:
    """How many examples are made of the rows `numbers`; None where that is not known without TensorFlow."""
    if made.maker.by_row:
        return len(numbers)
    lengths = _lengths(made.source, table, numbers)
    return None if lengths is None else made.maker.count(lengths)


def made_counts(made: Made, table: Table, parts: Parts) -> dict[str, int | None]:
    """How many examples are made in each part that has rows; None where that is not known without TensorFlow."""
    named = zip(PARTS, parts, strict=True)
    return {name: example_count(made, table, numbers) for name, numbers in named if len(numbers)}


def check_made(made: Made, table: Table, parts: Parts) -> int | None:
    """How many examples there are in all parts; None where that is not known.

    Raises:
        Problem: E619, a part has none.
    """
    counts = made_counts(made, table, parts)
    for name, count in counts.items():
        if count == 0:
            raise none_made(made.maker.name, name)
    return None if None in counts.values() else sum(filter(None, counts.values()))


def none_made(maker: str, part: str) -> Problem:
    """The rows of a part give no example."""
    name = {"train": "training"}.get(part, part)
    message = f"`{maker}` makes no example of the rows of the {name} split: they are too short, or too few"
    return Problem("E619", message, "take longer rows, or larger parts")


def _lengths(input_: Input, table: Table, numbers: Array) -> list[int] | None:
    """How many indices each row has, without those that fill it up."""
    if table.streamed or input_.stacked:
        return None
    values = table.whole(input_.columns[0])[numbers]
    if input_.length:
        return [_filled(token_ids(value)[: input_.length]) for value in values]
    if not input_.prepare:
        return [_filled(row.tolist()) for row in values] if values.ndim == 2 else None
    marked = input_.prepare[-1] if isinstance(input_.prepare[-1], MarkedSequence) else None
    layers = input_.prepare if marked is None else input_.prepare[:-1]
    if not layers or not splits(layer := layers[-1]) or not all(isinstance(own, TextImputation) for own in layers[:-1]):
        return None
    most = layer.output_sequence_length
    lengths = [len(parts_of(layer, value)) for value in values]
    lengths = lengths if most is None else [min(length, most) for length in lengths]
    if marked is None:
        return lengths
    marks = (marked.start is not None) + (marked.end is not None)
    return [min(length + marks, marked.length or length + marks) for length in lengths]


def _filled(row: list[int]) -> int:
    """The length of a row up to its last index that is not 0."""
    return max((count for count, index in enumerate(row, 1) if index), default=0)
