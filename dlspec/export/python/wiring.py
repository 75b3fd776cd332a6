"""Arguments of calls as Python: the same rules by which the graph is made, on variables instead of nodes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.core.ir import Argument, Edge
from dlspec.export.python.syntax import sequence
from dlspec.graph.lower.scope import Binding
from dlspec.graph.lower.sources import Sources, arguments_of


@dataclass(frozen=True)
class Entry:
    """One entry of a ``from``.

    Attributes:
        tensors: What it stands for; several for a list of its own. A starred one is the list of all turns.
        nested: Whether it was written as a list of its own.
    """

    tensors: tuple[ast.expr, ...]
    nested: bool = False


@dataclass(frozen=True)
class Inputs:
    """All that enters a step.

    Attributes:
        single: Written as one name, or not at all.
    """

    positional: tuple[Entry, ...] = ()
    named: tuple[tuple[str, Entry], ...] = ()
    single: bool = False

    @property
    def first(self) -> ast.expr | None:
        """The first tensor that enters; None where there is none."""
        for entry in (*self.positional, *(entry for _, entry in self.named)):
            for tensor in entry.tensors:
                if isinstance(tensor, ast.Starred):
                    return ast.Subscript(tensor.value, ast.Constant(0), ast.Load())
                return tensor
        return None


class _Signature:
    """The attributes of a layer that :func:`arguments_of` needs, without an instance."""

    def __init__(self, layer: type[Layer], given: Sequence[str]) -> None:
        self.name = layer.registered_name
        self.takes_list, self.positional = layer.takes_list, layer.positional
        self.list_arguments = layer.list_arguments
        self.minimum_inputs, self.maximum_inputs = layer.minimum_inputs, layer.maximum_inputs
        self.arguments = tuple(name for name in layer.arguments if name.rstrip("?") not in given)


def call_arguments(
    layer: type[Layer], inputs: Inputs, given: Sequence[str] = ()
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """Positional and named arguments of a layer's call.

    Args:
        layer: What is called.
        inputs: What enters.
        given: Options that may stand in place of tensors, and those that do not.
    """
    tensors: list[ast.expr] = []

    def binding(entry: Entry) -> Binding:
        edges = []
        for tensor in entry.tensors:
            # The list of all turns has an unknown length here; two stand for it, since one would be no list.
            count = 2 if isinstance(tensor, ast.Starred) else 1
            edges += [Edge(len(tensors), position) for position in range(count)]
            tensors.append(tensor)
        return Binding(tuple(edges))

    nested = {index for index, entry in enumerate(inputs.positional) if entry.nested}
    nested_names = {name for name, entry in inputs.named if entry.nested}
    sources = Sources(
        tuple(binding(entry) for entry in inputs.positional),
        {name: binding(entry) for name, entry in inputs.named},
        inputs.single,
        frozenset(nested | nested_names),
    )
    arguments = arguments_of(_Signature(layer, given), sources)

    def written(argument: Argument) -> ast.expr:
        if isinstance(argument, Edge):
            return tensors[argument.node]
        return listed([tensors[edge.node] for edge in argument if edge.output == 0])

    positional = [written(argument) for argument in arguments.positional]
    if layer.one_list:
        positional = [sequence(positional, as_list=True)]
    return positional, {name: written(argument) for name, argument in arguments.keywords}


def listed(tensors: Sequence[ast.expr]) -> ast.expr:
    """``[a, b]``; the list of all turns by itself where nothing else stands beside it."""
    if len(tensors) == 1 and isinstance(tensors[0], ast.Starred):
        return tensors[0].value
    return sequence(tensors, as_list=True)


def entries(source: Any) -> list[tuple[str, Any]]:
    """A written map or list as pairs; positions have the name ""."""
    if isinstance(source, dict):
        return list(source.items())
    return [("", item) for item in source]
