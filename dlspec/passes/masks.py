"""Warns where a mask ends unnoticed, or is not looked at: padding counts as data there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dlspec.components.layers.base import Layer
from dlspec.core.errors import Note
from dlspec.core.ir import Argument, Edge, Graph, Node, SharedModel, Tensor
from dlspec.graph.lower.infer import apply
from dlspec.passes.state import Lowered, step

_Call = tuple[str, tuple[Tensor, ...]]


@step(requires=Lowered)
def masks(state: Lowered) -> None:
    """One warning for each line at which the first mask gets lost; what comes after it has none to lose."""
    warned = set()
    for graph in state.graphs:
        for node, source, text in _losses(graph, {}):
            if node.span in warned:
                continue
            warned.add(node.span)
            assert isinstance(node.layer, Layer)
            help = node.layer.without_padding() or "padding counts as data from here on"
            note = (Note(f"`{source.name}` carries the mask", source.span),)
            state.add("W402", f"the mask of `{source.name}` {text}", node.span, help, note)


def _losses(graph: Graph, calls: dict[_Call, bool]) -> Iterator[tuple[Node, Node, str]]:
    """Each node at which a mask is lost, the node that carried it, and what becomes of it.

    Args:
        calls: Whether one was lost in the calls of shared models that were looked into; others are added.
    """
    lost: set[int] = set()  # nodes on a way where a mask was lost before
    for node in graph.nodes:
        if isinstance(node.layer, SharedModel):
            entering = tuple(graph.tensor(edge) for edge in node.edges)
            call = node.layer.name, entering
            if call not in calls and any(tensor.masked for tensor in entering):
                inside = list(_losses(_retyped(node.layer.graph, entering), calls))
                calls[call] = bool(inside)
                yield from inside
            if calls.get(call):
                lost.add(node.index)
        edges = node.edges
        if any(edge.node in lost for edge in edges):
            lost.add(node.index)
            continue
        carrier = next((edge for edge in edges if graph.tensor(edge).masked), None)
        if carrier is None or not isinstance(node.layer, Layer) or node.layer.takes_batch:
            continue
        text = node.layer.padding_counts(*_arguments(graph, node), **_named(graph, node))
        if text:
            lost.add(node.index)
            yield node, graph.nodes[carrier.node], text


def _resolved(graph: Graph, argument: Argument) -> Tensor | list[Tensor]:
    return graph.tensor(argument) if isinstance(argument, Edge) else [graph.tensor(edge) for edge in argument]


def _arguments(graph: Graph, node: Node) -> list[Tensor | list[Tensor]]:
    return [_resolved(graph, argument) for argument in node.arguments]


def _named(graph: Graph, node: Node) -> dict[str, Tensor | list[Tensor]]:
    return {name: _resolved(graph, argument) for name, argument in node.keywords}


def _retyped(graph: Graph, entering: Sequence[Tensor]) -> Graph:
    """The graph of a shared model with the types, masks among them, that one call of it has."""
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.layer is None:
            outputs: tuple[Tensor, ...] = (entering[graph.inputs.index(node.index)],)
        else:
            result = apply(
                node.layer, node.arguments, node.keywords, lambda edge: nodes[edge.node].outputs[edge.output]
            )
            outputs = result.outputs
        nodes.append(replace(node, outputs=outputs))
    return replace(graph, nodes=tuple(nodes))
