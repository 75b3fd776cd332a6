"""What a checked spec trains, whatever words it says that with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.components.registry import Component
from dlspec.components.registry.component import describe
from dlspec.passes.state import Checked


def meaning(state: Checked) -> str:
    """A text that is the same for specs of the same graphs, data and training; names of layers do not count."""
    return "\n".join([_nodes(state), _value(state.data_section), _value(state.method)])


def _nodes(state: Checked) -> str:
    lines = [
        f"{node.kind} {node.arguments} {node.keywords} {_value(node.layer)} {node.outputs}"
        for graph in state.graphs
        for node in graph.nodes
    ]
    roots = [f"{graph.outputs} {graph.objectives}" for graph in state.graphs]
    return "\n".join([*lines, *roots])


def _value(value: Any) -> str:
    """A value of an option as text, without options that are as they would be without a word."""
    if isinstance(value, Component):
        return f"{value.name}{{{', '.join(_options(value))}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    return describe(value) if isinstance(value, str | int | float | None) else type(value).__name__


def _options(component: Component) -> Iterator[str]:
    for name, value in component.given.items():
        field = type(component).fields[name]
        text = _value(value)
        if field.required or text != _value(field.convert(field.default, type(component))):
            yield f"{name}: {text}"
