"""Skip connections: tensors that enter a merge together with another one that depends on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlspec.core.ir import Edge, Graph, Node
from dlspec.passes.state import Checked


@dataclass
class Skips:
    """The nodes of a checked spec by the place of their step."""

    state: Checked
    _nodes: dict[Any, tuple[Graph, Node]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Of several calls of one step, the first is looked at."""
        for graph in self.state.graphs:
            for node in graph.nodes:
                if len(node.edges) > 1:
                    self._nodes.setdefault(node.span, (graph, node))

    def of(self, span: Any, count: int) -> list[int]:
        """Positions of the tensors that enter the step at a place, and on which another one that enters depends.

        Args:
            span: Where the step's key stands.
            count: How many names are written; () is the answer where these stand for other tensors.
        """
        graph, node = self._nodes.get(span, (None, None))
        if graph is None or node is None or len(node.edges) != count:
            return []
        return [
            index
            for index, edge in enumerate(node.edges)
            if any(_depends(graph, other, edge) for position, other in enumerate(node.edges) if position != index)
        ]


def _depends(graph: Graph, edge: Edge, on: Edge) -> bool:
    """Whether a tensor is computed from another one."""
    waiting, seen = [edge.node], {edge.node}
    while waiting:
        index = waiting.pop()
        if index == on.node:
            return edge.node != on.node
        for before in graph.nodes[index].edges if index > on.node else ():
            if before.node not in seen and before.node >= on.node:
                seen.add(before.node)
                waiting.append(before.node)
    return False
