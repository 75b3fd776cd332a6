"""The inputs on which the outputs of a graph depend."""

from __future__ import annotations

from typing import NamedTuple

from dlspec.core.ir import Graph, Tensor


class Reached(NamedTuple):
    """One output of a graph.

    Attributes:
        name: As the spec calls it.
        tensor: What one example gives.
        inputs: Names of the inputs that it depends on.
    """

    name: str
    tensor: Tensor
    inputs: frozenset[str]


def reached_by(graph: Graph) -> tuple[Reached, ...]:
    """The outputs in their order, each with the inputs that it depends on."""
    needs: dict[int, frozenset[str]] = {index: frozenset({graph.nodes[index].name}) for index in graph.inputs}
    for node in graph.nodes:
        needs[node.index] = needs.get(node.index, frozenset()).union(*(needs[edge.node] for edge in node.edges))
    return tuple(Reached(name, graph.tensor(edge), needs[edge.node]) for name, edge in graph.outputs)
