"""Holds each step `gradient` against the graph: what it derives depends on what it derives by (E402)."""

from __future__ import annotations

from dlspec.components.layers.base import Layer
from dlspec.core.errors import did_you_mean
from dlspec.core.ir import Edge, Graph, Node
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def derivatives(state: Lowered) -> None:
    """One error for each step whose tensors do not depend on one another."""
    reported: set[object] = set()
    for graph in state.graphs:
        for node in graph.nodes:
            if not isinstance(node.layer, Layer) or not node.layer.derives or node.span in reported:
                continue
            of, by = node.edges
            upstream = _upstream(graph, of)
            if by not in upstream:
                reported.add(node.span)
                first, second = (graph.nodes[edge.node].name for edge in (of, by))
                text = f"`{node.name}` derives `{first}` by `{second}`, on which it does not depend"
                names = [graph.nodes[edge.node].name for edge in upstream]
                state.add("E402", text, node.span, _help(node, graph, first, second, names))


def _help(node: Node, graph: Graph, first: str, second: str, names: list[str]) -> str:
    of, by = node.edges
    if of in _upstream(graph, by):
        return f"write `gradient: [{second}, {first}]`, if that is what you mean"
    return did_you_mean(second, names) if names else f"`{first}` enters the model: it depends on nothing"


def _upstream(graph: Graph, edge: Edge) -> list[Edge]:
    """The tensors that one depends on, nearest first."""
    upstream: dict[Edge, None] = {}
    waiting = list(graph.nodes[edge.node].edges)
    while waiting:
        current = waiting.pop(0)
        if current not in upstream:
            upstream[current] = None
            waiting += graph.nodes[current.node].edges
    return list(upstream)
