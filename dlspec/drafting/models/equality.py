"""Whether two graphs are the same but for names."""

from __future__ import annotations

from collections import Counter

from dlspec.components.layers.base import Layer
from dlspec.core.ir import Argument, Edge, Graph, Node, Operation, SharedModel


def same_graph(graph: Graph, other: Graph) -> bool:
    """Whether both have the same inputs, and the same layers with the same options on the same tensors.

    Names do not count, nor the order of two tensors where it changes nothing.
    """
    mine, theirs = keys_of(graph), keys_of(other)
    if Counter(mine) != Counter(theirs):
        return False
    return [mine[edge.node] for _, edge in graph.outputs] == [theirs[edge.node] for _, edge in other.outputs]


def keys_of(graph: Graph) -> list[int]:
    """A number for each node that stands for all that leads to it."""
    keys: list[int] = []
    for node in graph.nodes:
        entering = [_argument(argument, keys, _commutes(node)) for argument in node.arguments]
        named = [(name, _argument(value, keys, False)) for name, value in node.keywords]
        inner = tuple(keys_of(node.layer.graph)) if isinstance(node.layer, SharedModel) else ()
        what = str(graph.inputs.index(node.index)) if node.layer is None else _options(node.layer)
        shared = -1 if node.shared is None else keys[node.shared]
        kind = "" if isinstance(node.layer, SharedModel) else node.kind
        weights = tuple(weight.shape for weight in node.weights)
        keys.append(hash((kind, what, tuple(entering), tuple(named), inner, shared, str(node.outputs), weights)))
    return keys


def _options(layer: Operation) -> str:
    return str(sorted(layer.changes().items())) if isinstance(layer, Layer) else layer.describe()


def _commutes(node: Node) -> bool:
    return isinstance(node.layer, Layer) and node.layer.commutes


def _argument(argument: Argument, keys: list[int], commutes: bool) -> tuple[tuple[int, int], ...]:
    edges = (argument,) if isinstance(argument, Edge) else argument
    entering = [(keys[edge.node], edge.output) for edge in edges]
    return tuple(sorted(entering) if commutes and len(entering) == 2 else entering)
