"""Finds layers and inputs that no output and no objective depends on; Keras would drop them without a word."""

from __future__ import annotations

from dlspec.core.ir import Graph, Node
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def reachable(state: Lowered) -> None:
    """Reports the last layer of each dead end, and each unused input.

    In a repeat whose other turns are used, a dead end is the way the last turn ends: a warning.
    """
    for graph, dead in state.dead:
        _report_inputs(state, graph, dead)
        _report_layers(state, graph, dead)


def _report_inputs(state: Lowered, graph: Graph, dead: tuple[Node, ...]) -> None:
    # An input of a dead end is one mistake with it. Inputs come first, before and after what is dead was left out.
    used = {edge.node for node in (*graph.nodes, *dead) for edge in node.edges}
    used |= {edge.node for _, edge in graph.roots}
    for index in graph.inputs:
        if index not in used:
            node = graph.nodes[index]
            help = "use it with `from:`, or delete it"
            state.add("E414", f"{_nothing(graph)} depends on input `{node.name}`", node.span, help)


def _report_layers(state: Lowered, graph: Graph, dead: tuple[Node, ...]) -> None:
    consumed = {edge.node for node in dead for edge in node.edges}
    alive = {node.span for node in graph.nodes}
    for node in dead:
        if node.index in consumed:
            continue
        if node.span in alive:
            text = f"{_nothing(graph)} depends on `{node.name}`, so it is left out"
            state.add("W403", text, node.span, "other turns of the repeat are used; nothing to do if this is meant")
        else:
            help = "list it under `outputs:`, use it with `from:`, or delete it"
            state.add("E414", f"{_nothing(graph)} depends on `{node.name}`", node.span, help)


def _nothing(graph: Graph) -> str:
    """The subject of the message that nothing needs a layer: "no output", and objectives where there are some."""
    return "no output and nothing that is minimised" if graph.objectives else "no output"
