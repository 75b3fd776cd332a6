"""Finds outputs that no saved model can give (E417): they depend on what has a meaning in training only."""

from __future__ import annotations

from dlspec.components.layers.base import layers_of
from dlspec.core.ir import shared_models
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def savable(state: Lowered) -> None:
    """One error for each step of that kind: all that is saved leads to an output."""
    graphs = (state.graph, *(model.graph for model in shared_models(state.graph)))
    reported: set[object] = set()
    for node, layer, _ in layers_of(*graphs):
        if layer.only_in_training and node.span not in reported:
            reported.add(node.span)
            why = "compares the examples of a batch" if layer.over_batch else "has a meaning in training only"
            text = f"an output depends on `{node.name}`, which {why}: a saved model cannot give it"
            help = "leave it out of `outputs:`; `minimize` and `metrics` of `train` may name it"
            state.add("E417", text, node.span, help)
