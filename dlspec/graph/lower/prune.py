"""Removes nodes that nothing depends on, as Keras does when it traces a model back; finds what calls share."""

from __future__ import annotations

from dataclasses import replace

from dlspec.core.ir import Argument, Edge, Graph, Node, SharedModel


def prune(graph: Graph) -> tuple[Graph, tuple[Node, ...]]:
    """The graph without dead nodes, and the dead nodes; inputs stay."""
    return _kept(graph, _alive(graph) | set(graph.inputs))


def saved_part(graph: Graph) -> Graph:
    """The part of a graph that its outputs need, inputs included; `graph` itself where training needs nothing more."""
    if not graph.objectives:
        return graph
    saved = replace(graph, objectives=())
    return share(_kept(saved, _alive(saved))[0])


def _alive(graph: Graph) -> set[int]:
    """Indices of the nodes that outputs and objectives depend on."""
    alive = {edge.node for _, edge in graph.roots}
    for node in reversed(graph.nodes):
        if node.index in alive:
            alive.update(edge.node for edge in node.edges)
    return alive


def _kept(graph: Graph, alive: set[int]) -> tuple[Graph, tuple[Node, ...]]:
    """The graph of the nodes in `alive`, and the others."""
    dead = tuple(node for node in graph.nodes if node.index not in alive)
    if not dead:
        return graph, ()
    kept = [node for node in graph.nodes if node.index in alive]
    indices = {node.index: position for position, node in enumerate(kept)}
    return Graph(
        graph.name,
        tuple(_moved(node, indices) for node in kept),
        tuple(indices[index] for index in graph.inputs if index in indices),
        _moved_names(graph.outputs, indices),
        _moved_names(graph.objectives, indices),
    ), dead


def _moved_names(tensors: tuple[tuple[str, Edge], ...], indices: dict[int, int]) -> tuple[tuple[str, Edge], ...]:
    return tuple((name, Edge(indices[edge.node], edge.output)) for name, edge in tensors)


def share(graph: Graph) -> Graph:
    """The graph in which each further call of a shared model refers to the first, and weights are made once."""
    first_calls: dict[str, int] = {}
    made: set[str] = set()
    nodes = list(graph.nodes)
    for node in graph.nodes:
        if isinstance(node.layer, SharedModel):
            first = first_calls.setdefault(node.layer.name, node.index)
            weights = tuple(node.layer.new_weights(made))
            nodes[node.index] = replace(node, shared=None if first == node.index else first, weights=weights)
    return replace(graph, nodes=tuple(nodes)) if first_calls else graph


def _moved(node: Node, indices: dict[int, int]) -> Node:
    def move(argument: Argument) -> Argument:
        if isinstance(argument, Edge):
            return Edge(indices[argument.node], argument.output)
        return tuple(Edge(indices[edge.node], edge.output) for edge in argument)

    return replace(
        node,
        index=indices[node.index],
        arguments=tuple(move(argument) for argument in node.arguments),
        keywords=tuple((name, move(argument)) for name, argument in node.keywords),
    )
