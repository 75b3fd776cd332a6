"""Warns of `reduction: sum` where a loss has averaged all there is before (W405)."""

from __future__ import annotations

from dlspec.components.layers.base import Layer
from dlspec.core.ir import Graph, Node, Tensor, show_shape
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def summed_losses(state: Lowered) -> None:
    """One warning for each step that sums a single mean over several numbers."""
    reported: set[object] = set()
    for graph in state.graphs:
        for node in graph.nodes:
            output = _averaged(graph, node)
            if output is None or node.span in reported:
                continue
            reported.add(node.span)
            size = "" if output.shape[0] is None else f": {output.shape[0]} numbers count as one"
            text = f"`{node.name}` sums what its loss has averaged over {show_shape(output.shape)} before{size}"
            shape = show_shape((*output.shape, 1))
            help = f"bring both sides to {shape} before (`ops.expand_dims: -1`), or leave `reduction` out"
            state.add("W405", text, node.span, help)


def _averaged(graph: Graph, node: Node) -> Tensor | None:
    if not isinstance(node.layer, Layer) or not node.layer.compares:
        return None
    return node.layer.averaged_before(*(graph.tensor(edge) for edge in node.edges))
