"""What each output gives its loss; warns where a loss expects probabilities and gets something else, or the reverse."""

from __future__ import annotations

from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import Component
from dlspec.components.training.heads import Head
from dlspec.core.ir import Graph, Node
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def heads(state: Lowered) -> None:
    """Compares each output's last activation with what its loss takes."""
    if state.method is None or any(item.code == "E503" for item in state.diagnostics.items):
        return  # a loss that does not suit its output is a mistake of its own
    for name, edge in state.graph.outputs:
        loss = state.method.loss_of(name)
        node = state.graph.nodes[edge.node]
        activation = last_activation(state.graph, node)
        found = state.catalogue.find("activation", activation) if activation is not None else None
        state.method.heads[name] = Head(loss, found, state.graph.tensor(edge))
        if getattr(loss, "activations", ()):
            _check(state, state.graph, node, loss)
        elif getattr(loss, "takes_scores", False) and activation in ("softmax", "sigmoid"):
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


def last_activation(graph: Graph, node: Node) -> str | None:
    """Name of the activation that a node's output went through last; None where it cannot be told."""
    node = _back(graph, node)[-1]
    layer = node.layer
    if isinstance(layer, Layer) and layer.applies:
        return layer.applies
    if not isinstance(layer, Component) or "activation" not in type(layer).fields or layer.kind != "layer":
        return None
    activation = getattr(layer, "activation", None)
    return "linear" if activation is None else str(getattr(activation, "name", activation))


def probability_heads(graph: Graph) -> list[Node]:
    """The layers whose softmax or sigmoid makes an output, and what moves it: they compute in float32 in any case."""
    nodes = [graph.nodes[edge.node] for _, edge in graph.outputs]
    found = [node for node in nodes if last_activation(graph, node) in ("softmax", "sigmoid")]
    return [one for node in found for one in [*_back(graph, node), *_makers(graph, _back(graph, node)[-1])]]


def _makers(graph: Graph, node: Node) -> list[Node]:
    """The layers from which an operation gets what it computes with, through others alone; [] for a layer."""
    found: dict[int, Node] = {}
    waiting = [node] if isinstance(node.layer, Op) else []
    while waiting:
        for edge in waiting.pop().edges:
            before = graph.nodes[edge.node]
            if edge.node not in found and isinstance(before.layer, Op):
                waiting.append(before)
            found[edge.node] = before
    return list(found.values())


def _back(graph: Graph, node: Node) -> list[Node]:
    """A node, and those before it as long as they only move elements."""
    if isinstance(node.layer, Layer) and node.layer.moves and node.edges:
        return [node, *_back(graph, graph.nodes[node.edges[0].node])]
    return [node]
