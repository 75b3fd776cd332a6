"""Removes nodes that no output depends on, as Keras does when it traces a model back from its outputs."""

from __future__ import annotations

from dataclasses import replace

from dlspec.ir import Argument, Edge, Graph, Node


def prune(graph: Graph) -> tuple[Graph, tuple[Node, ...]]:
    """The graph without dead nodes, and the dead nodes; inputs stay."""
    alive = {edge.node for _, edge in graph.outputs} | set(graph.inputs)
    for node in reversed(graph.nodes):
        if node.index in alive:
            alive.update(edge.node for edge in node.edges)
    dead = tuple(node for node in graph.nodes if node.index not in alive)
    if not dead:
        return graph, ()
    kept = [node for node in graph.nodes if node.index in alive]
    place = {node.index: position for position, node in enumerate(kept)}
    first_calls: dict[int, int] = {}
    nodes = []
    for node in kept:
        if node.shared is not None and node.shared not in place:
            # The call that made the weights is dead: the next one makes them now.
            first = first_calls.setdefault(node.shared, node.index)
            weights = graph.nodes[node.shared].weights if first == node.index else ()
            node = replace(node, shared=None if first == node.index else first, weights=weights)
        nodes.append(_moved(node, place))
    outputs = tuple((name, Edge(place[edge.node], edge.output)) for name, edge in graph.outputs)
    return Graph(graph.name, tuple(nodes), tuple(place[index] for index in graph.inputs), outputs), dead


def _moved(node: Node, place: dict[int, int]) -> Node:
    def move(argument: Argument) -> Argument:
        if isinstance(argument, Edge):
            return Edge(place[argument.node], argument.output)
        return tuple(Edge(place[edge.node], edge.output) for edge in argument)

    return replace(
        node,
        index=place[node.index],
        arguments=tuple(move(argument) for argument in node.arguments),
        keywords=tuple((name, move(argument)) for name, argument in node.keywords),
        shared=None if node.shared is None else place[node.shared],
    )
