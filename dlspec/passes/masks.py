"""Warns where a mask ends unnoticed: layers after it treat padding as data."""

from __future__ import annotations

from dlspec.errors import Note
from dlspec.layers.base import Layer
from dlspec.passes.state import Compilation, step


@step(requires=("graph",))
def masks(state: Compilation) -> None:
    """One warning for each layer that drops a mask, as Keras gives at run time."""
    assert state.graph is not None
    for graph in (state.graph, *(model.graph for model in state.models.values())):
        for node in graph.nodes:
            if not isinstance(node.layer, Layer) or node.layer.masking == "pass" or node.outputs[0].masked:
                continue
            for edge in node.edges:
                if graph.tensor(edge).masked:
                    source = graph.nodes[edge.node]
                    note = (Note(f"`{source.name}` carries the mask", source.span),)
                    text = f"the mask of `{source.name}` ends here: {node.layer.name} does not support masks"
                    state.add("W402", text, node.span, "padding counts as data from here on", note)
                    break
