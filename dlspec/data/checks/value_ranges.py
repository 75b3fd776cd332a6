"""Layers of images that are told of another range of values than that which reaches them (W611)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.layers.image import ImageLayer
from dlspec.components.layers.preprocessing import Rescaling
from dlspec.components.sections.data import Data
from dlspec.core.errors import Diagnostic, Problem
from dlspec.core.ir import Graph, Node
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input

Range = tuple[float, float]

_LOOKED_AT = 256  # examples
_UNLIKE = 4.0  # how many times one range may be as wide as the other


def check_value_ranges(data: Data, graph: Graph, binding: Binding, findings: Findings) -> list[Diagnostic]:
    """Follows the values of each image as far as they can be told.

    Returns:
        What is said at the model's own layers; what is said of `augment` goes to `findings`.
    """
    diagnostics: list[Diagnostic] = []
    if not any("value_range" in layer.fields for layer in _layers(binding, graph)):
        return diagnostics  # nothing is read for what nobody asks
    for input_ in binding.column_inputs:
        if input_.tensor.rank != 3 or binding.table.streamed or not binding.count:
            continue
        entering = _through(_raw(binding, input_), input_.prepare)
        if entering is None:
            continue
        for step in binding.steps:
            if step.input == input_.name:
                with findings.at(*_written(data, input_.written, step.layer)):
                    _compare(step.layer, entering, input_.name)
        for node, reached in _reached(graph, input_.name, entering):
            diagnostics += _at_layer(node, reached, input_.name)
    return diagnostics


def _layers(binding: Binding, graph: Graph) -> list[Layer]:
    """Those that change examples, and those of the model."""
    own = (node.layer for node in graph.nodes)
    return [*(step.layer for step in binding.steps), *(layer for layer in own if isinstance(layer, Layer))]


def _at_layer(node: Node, values: Range, name: str) -> list[Diagnostic]:
    try:
        _compare(node.layer, values, name)
    except Problem as problem:
        return [problem.at(node.span)]
    return []


def _written(data: Data, name: str, layer: Layer) -> tuple[str | int, ...]:
    """Where a layer of `augment` stands."""
    own = data.features[name].augment if name in data.features else ()
    for position, other in enumerate(own):
        if other is layer:
            return "data", "inputs", name, "augment", position
    return "data", "augment", next((at for at, other in enumerate(data.augment) if other is layer), 0)


def _raw(binding: Binding, input_: Input) -> Range:
    """The range of an image's values: that of its type, or of some examples."""
    import numpy as np

    column = input_.columns[0]
    facts = binding.table.columns[column]
    if facts.largest or facts.tensor.dtype == "uint8":
        return 0.0, float(facts.largest or 255)
    values = binding.table.take([column], np.arange(min(_LOOKED_AT, binding.count)))[column].astype("float64")
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _through(values: Range | None, layers: tuple[Any, ...]) -> Range | None:
    for layer in layers:
        values = None if values is None else _after(layer, values)
    return values


def _after(layer: Any, values: Range) -> Range | None:
    """The range behind a layer; None where it is another than can be told."""
    if isinstance(layer, Rescaling) and not isinstance(layer.scale, list) and not isinstance(layer.offset, list):
        ends = [float(layer.scale) * value + float(layer.offset) for value in values]
        return min(ends), max(ends)
    return values if isinstance(layer, ImageLayer) or layer.keeps_range else None


def _reached(graph: Graph, name: str, entering: Range) -> Iterator[tuple[Node, Range]]:
    """Layers that are told of a range, with the one that reaches each."""
    ranges: dict[int, Range] = {}
    for node in graph.nodes:
        if node.layer is None:
            if node.name == name:
                ranges[node.index] = entering
            continue
        first = ranges.get(node.edges[0].node) if len(node.edges) == 1 else None
        if first is None or not isinstance(node.layer, Layer):
            continue
        if "value_range" in node.layer.fields:
            yield node, first
        after = _after(node.layer, first)
        if after is not None:
            ranges[node.index] = after


def _compare(layer: Any, values: Range, name: str) -> None:
    """Raises W611 where a layer takes its images for much lighter or darker than they are."""
    expected = layer.value_range
    if expected is None:
        return
    wide, assumed = values[1] - values[0], expected[1] - expected[0]
    if wide > 0 and not 1 / _UNLIKE <= assumed / wide <= _UNLIKE:
        message = f"`{layer.name}` takes values from {expected[0]:g} to {expected[1]:g}, `{name}` has {_shown(values)}"
        raise Problem("W611", message, f"write `value_range: [{values[0]:g}, {values[1]:g}]`")


def _shown(values: Range) -> str:
    return f"from {values[0]:g} to {values[1]:g}"
