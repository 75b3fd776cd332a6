"""Calls that get tensors of their own, because Keras deletes the masks of those that enter them.

Keras takes the mask off the tensor itself, so that every other reader of it (a residual connection, a second attention
over the same memory, the loss) counts padding as data. A copy with a mask of its own keeps that from happening.
"""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.components.layers.base import Layer
from dlspec.core.errors import Span
from dlspec.core.ir import Argument, Edge, Graph, Node, SharedModel

Place = tuple[Span | None, str]


def own_tensors(graph: Graph) -> frozenset[Place]:
    """Line of the step and name of the call's argument, for each one that needs a copy.

    All calls of one step are alike, as they are one line of generated code. Whether a mask enters a shared model is
    seen from outside of it.
    """
    return frozenset(_places(graph, False, set()))


def _places(graph: Graph, outside: bool, seen: set[tuple[str, bool]]) -> Iterator[Place]:
    for node in graph.nodes:
        layer = node.layer
        if isinstance(layer, SharedModel):
            key = layer.name, outside or any(graph.tensor(edge).masked for edge in node.edges)
            if key not in seen:
                seen.add(key)
                yield from _places(layer.graph, key[1], seen)
        elif isinstance(layer, Layer) and layer.unmasks:
            for name, argument in (*zip(positional_names(node), node.arguments, strict=True), *node.keywords):
                if name in layer.unmasks and (outside or _masked(graph, argument)):
                    yield node.span, name


def positional_names(node: Node) -> list[str]:
    """The name of each positional argument of a layer's call; a list of any number of tensors has one for all."""
    assert isinstance(node.layer, Layer)
    names = [argument.rstrip("?") for argument in node.layer.arguments]
    return (names + [""] * len(node.arguments))[: len(node.arguments)]


def _masked(graph: Graph, argument: Argument) -> bool:
    edges = (argument,) if isinstance(argument, Edge) else argument
    return any(graph.tensor(edge).masked for edge in edges)
