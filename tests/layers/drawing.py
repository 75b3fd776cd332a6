"""What Hypothesis draws from the declarations: values of options, and shapes like those of the examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from dlspec.components.registry import Component, Example
from dlspec.core.ir import Shape
from tests.support import read_value

LARGEST = 30  # of any axis; larger ones only cost time

sizes = st.one_of(st.integers(1, 7), st.none())


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Small plain values that a schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:  # lists within lists
        return st.sampled_from([1, 2.5])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    choices = [PLAIN[kind](schema) for kind in types]
    return st.one_of(choices)


def integers(schema: dict[str, Any]) -> st.SearchStrategy[int]:
    """Whole numbers within the bounds."""
    low = schema.get("minimum", -4)
    return st.integers(low, min(schema.get("maximum", 4), max(low + 4, 4)))


def numbers(schema: dict[str, Any]) -> st.SearchStrategy[float]:
    """Numbers within the bounds."""
    shares = [0.0, 0.25, 0.5] if schema.get("exclusiveMinimum") != 0 else [0.25, 0.5]
    return st.sampled_from(shares).map(lambda share: schema.get("minimum", 0) + share)


def arrays(schema: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
    """Short lists."""
    return st.lists(values(schema["items"]), min_size=schema.get("minItems", 1), max_size=schema.get("maxItems", 4))


PLAIN = {
    "integer": integers,
    "number": numbers,
    "array": arrays,
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
    "string": lambda schema: st.sampled_from(["a", "b"]),
}


def written(owner: type[Component], example: Example) -> dict[str, Any]:
    """The options of an example."""
    value = read_value(example.value)
    return dict(value) if isinstance(value, dict) else {owner.shorthand: value}


@st.composite
def mutations(draw: st.DrawFn, shape: Shape) -> Shape:
    """The shape, with a few axes of other sizes, or one axis more or less."""
    axes = [size if draw(st.integers(0, 2)) else draw(sizes) for size in shape]
    change = draw(st.sampled_from(["keep"] * 6 + ["drop", "add"]))
    if change == "drop" and axes:
        axes.pop()
    elif change == "add":
        axes.insert(0, draw(sizes))
    return tuple(None if size is None else min(size, LARGEST) for size in axes)


@st.composite
def resized(draw: st.DrawFn, shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes with other sizes: where two axes agree, they still do."""
    new: dict[int | None, int | None] = {1: 1}
    for size in (size for shape in shapes for size in shape):
        if size not in new:
            new[size] = draw(sizes)
    return [tuple(new[size] for size in shape) for shape in shapes]
