"""Warns where a loss expects probabilities and gets something else, or the reverse."""

from __future__ import annotations

from typing import Any

from dlspec.core.ir import Graph, Node
from dlspec.passes.heads import last_activation
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def suited(state: Lowered) -> None:
    """Compares each output's last activation with what its loss takes."""
    if state.method is None or any(item.code == "E503" for item in state.diagnostics.items):
        return  # a loss that does not suit its output is a mistake of its own
    for name, edge in state.graph.outputs:
        loss = state.method.loss_of(name)
        node = state.graph.nodes[edge.node]
        if getattr(loss, "activations", ()):
            _check(state, state.graph, node, loss)
        elif getattr(loss, "takes_scores", False):
            activation = last_activation(state.graph, node)
            if activation in ("softmax", "sigmoid"):
                text = f"{loss.name} takes raw scores, but `{node.name}` ends in {activation}"
                state.add("W502", text, node.span, f"leave `{activation}` out")


def _check(state: Lowered, graph: Graph, node: Node, loss: Any) -> None:
    activation = last_activation(graph, node)
    if activation is None:
        return
    wanted = loss.activations
    units = node.outputs[0].shape[-1:]
    if activation == "softmax" and wanted[0] == "sigmoid" and units != (1,) and not loss.from_logits:
        text = f"{loss.name} judges each unit by itself, but softmax of `{node.name}` makes one choice among them"
        help = "write `categorical_crossentropy`, or `sparse_categorical_crossentropy` for class numbers"
        state.add("W502", text, node.span, help)
    elif not loss.from_logits and (activation not in wanted or (activation == "softmax" and units == (1,))):
        word = "sigmoid" if wanted[0] == "sigmoid" or units == (1,) else "softmax"
        text = f"{loss.name} takes probabilities, but `{node.name}` ends in {_describe(activation, units)}"
        help = f"write `activation: {word}`, or `{loss.name}: {{from_logits: true}}` with a linear output"
        state.add("W502", text, node.span, help)
    elif loss.from_logits and activation in wanted:
        text = f"{loss.name} with `from_logits: true` takes raw scores, but `{node.name}` ends in {activation}"
        state.add("W502", text, node.span, "leave `from_logits` out, or the activation")


def _describe(activation: str, units: tuple[int | None, ...]) -> str:
    if activation == "linear":
        return "no activation"
    return f"{activation} over a single unit" if activation == "softmax" and units == (1,) else activation
