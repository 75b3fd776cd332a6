"""Finds layers and inputs that no output depends on; Keras would drop them without a word."""

from __future__ import annotations

from dlspec.ir import Graph
from dlspec.passes.state import Compilation, step


@step(requires=("graph",))
def reachable(state: Compilation) -> None:
    """Reports the last layer of each dead end, and each unused input."""
    assert state.graph is not None
    for graph in (state.graph, *(model.graph for model in state.models.values())):
        _check(state, graph)


def _check(state: Compilation, graph: Graph) -> None:
    alive = {edge.node for _, edge in graph.outputs}
    consumed = {edge.node for _, edge in graph.outputs}
    for node in reversed(graph.nodes):
        consumed.update(edge.node for edge in node.edges)
        if node.index in alive:
            alive.update(edge.node for edge in node.edges)
    for node in graph.nodes:
        if node.layer is None and node.index not in alive:
            state.add(
                "E414", f"no output depends on input `{node.name}`", node.span, "use it with `from:`, or delete it"
            )
        elif node.index not in consumed:
            help = "list it under `outputs:`, use it with `from:`, or delete it"
            state.add("E414", f"no output depends on `{node.name}`", node.span, help)
