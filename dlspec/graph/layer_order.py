"""The order in which Keras lists the layers of the model that is built from a graph, known without Keras.

Keras sorts layers by their depth, the longest way to an output, and those of one depth as a search from the outputs
reaches them. Files of saved models list layers so, and weights in ``model.weights`` stand so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlspec.core.ir import Argument, Edge, Graph, Node, SharedModel
from dlspec.graph.lower.own_tensors import Place, own_tensors, positional_names


def in_keras_order(graph: Graph) -> list[Node]:
    """The calls of a graph that make layers, each layer once, as ``model.layers`` of the built model has them."""
    own = own_tensors(graph)
    keys = [_operation(graph, node) for node in graph.nodes]
    entering = [tuple(_entering(node, own)) for node in graph.nodes]
    reached, finished, _ = _search(graph, keys, entering)
    depths = _depths(keys, entering, finished)
    first: dict[int | str, Node] = {}
    for node in graph.nodes:
        if keys[node.index] in reached:
            first.setdefault(keys[node.index], node)
    listed = sorted(first, key=lambda key: (-depths[key], reached[key]))
    return [first[key] for key in listed if first[key].layer is not None]


def nested_calls(graph: Graph) -> int:
    """How deeply Keras nests calls where it follows the graph back from its outputs; Python allows 1000."""
    entering = [tuple(_entering(node, frozenset())) for node in graph.nodes]
    return _search(graph, [node.index for node in graph.nodes], entering)[2]


def _operation(graph: Graph, node: Node) -> int | str:
    """What stands for the layer that a node calls."""
    if isinstance(node.layer, SharedModel):
        return node.layer.name
    return node.index if node.shared is None else node.shared


def _entering(node: Node, own: frozenset[Place]) -> Iterator[tuple[int, int]]:
    """The nodes whose tensors a node takes, in Keras's order, and how many calls away each of them is."""
    names = [""] * len(node.arguments)
    if node.layer is not None and not isinstance(node.layer, SharedModel):
        names = positional_names(node)
    given = [*zip(names, node.arguments, strict=True), *sorted(node.keywords)]
    for name, argument in given:
        # A tensor of its own is a copy, which is a call.
        away = 2 if (node.span, name) in own else 1
        for edge in _edges(argument):
            yield edge.node, away


def _edges(argument: Argument) -> tuple[Edge, ...]:
    return (argument,) if isinstance(argument, Edge) else argument


def _search(
    graph: Graph, keys: Sequence[int | str], entering: list[tuple[tuple[int, int], ...]]
) -> tuple[dict[int | str, int], list[int], int]:
    """A search from the outputs.

    Returns:
        The number of each layer as it was reached; the nodes, each after all that enters it; and how many stood
        open at once.
    """
    reached: dict[int | str, int] = {}
    finished: list[int] = []
    seen: set[int] = set()
    deepest = 0
    for _, edge in graph.roots:
        waiting = [(edge.node, iter(entering[edge.node]))] if edge.node not in seen else []
        if waiting:
            seen.add(edge.node)
            reached.setdefault(keys[edge.node], len(reached))
        while waiting:
            _, before = waiting[-1]
            following = next((other for other, _ in before if other not in seen), None)
            if following is None:
                finished.append(waiting.pop()[0])
                continue
            seen.add(following)
            reached.setdefault(keys[following], len(reached))
            waiting.append((following, iter(entering[following])))
            deepest = max(deepest, len(waiting))
    return reached, finished, deepest


def _depths(
    keys: list[int | str], entering: list[tuple[tuple[int, int], ...]], finished: list[int]
) -> dict[int | str, int]:
    """The depth of each layer: the largest of its calls."""
    nodes: dict[int, int] = {}
    layers: dict[int | str, int] = {}
    for node in reversed(finished):
        depth = max(nodes.get(node, 0), layers.get(keys[node], 0))
        nodes[node] = layers[keys[node]] = depth
        for other, away in entering[node]:
            nodes[other] = max(nodes.get(other, 0), depth + away)
    return layers
