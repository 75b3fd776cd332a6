"""Warns where a loss expects probabilities and gets something else, or the reverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlspec.components.layers.base import Layer
from dlspec.core.ir import Graph, Node
from dlspec.passes.heads import last_activation
from dlspec.passes.state import Lowered, step

if TYPE_CHECKING:
    from dlspec.components.training.activations import Activation
    from dlspec.components.training.losses import Loss


@step(requires=Lowered)
def suited(state: Lowered) -> None:
    """Compares the last activation of each output, and of what a step compares, with what the loss takes."""
    _steps(state)
    if state.method is None or any(item.code == "E503" for item in state.diagnostics.items):
        return  # a loss that does not suit its output is a mistake of its own
    for output, edge in state.graph.outputs:
        _suits(state, state.graph, state.graph.nodes[edge.node], state.method.loss_of(output))


def _steps(state: Lowered) -> None:
    """The losses that are steps, wherever they stand; of several calls of one step the first."""
    reported: set[object] = set()
    for graph in state.graphs:
        for node in graph.nodes:
            layer = node.layer
            if (
                isinstance(layer, Layer)
                and layer.compares
                and node.span not in reported
                and "y_pred" in layer.arguments
            ):
                reported.add(node.span)
                _suits(state, graph, graph.nodes[node.edges[-1].node], layer.compares)


def _suits(state: Lowered, graph: Graph, node: Node, loss: Loss | None) -> None:
    activation = last_activation(graph, node)
    if loss is None or activation is None or _twice(state, graph, node, activation):
        return
    if loss.activations:
        _check(state, node, loss, activation)
    elif loss.takes_scores and activation.probabilities:
        name = activation.registered_name
        text = f"{loss.name} takes raw scores, but `{node.name}` {_gives(node, activation)}"
        state.add("W502", text, node.span, f"leave `{_maker(node, name)}` out")


def _twice(state: Lowered, graph: Graph, node: Node, activation: type[Activation]) -> bool:
    """Whether probabilities enter a softmax or sigmoid that is a step of its own (W615)."""
    layer = node.layer
    itself = isinstance(layer, Layer) and (layer.is_activation or layer.applies) and not layer.ordered
    if not itself or not activation.probabilities or len(node.edges) != 1:
        return False
    before = graph.nodes[node.edges[0].node]
    entering = last_activation(graph, before)
    if entering is None or not entering.probabilities:
        return False
    text = f"`{node.name}` makes probabilities of scores, but `{before.name}` {_gives(before, entering)}"
    state.add("W615", text, node.span, f"leave one of the two out: `{before.name}` gives probabilities already")
    return True


def _gives(node: Node, activation: type[Activation]) -> str:
    """The end of a layer, in words."""
    itself = _maker(node, activation.registered_name) == activation.registered_name
    return f"ends in {activation.registered_name}" if itself else "gives probabilities"


def _maker(node: Node, name: str) -> str:
    """The activation called `name`, or the layer that stands for it."""
    layer = node.layer
    return layer.registered_name if isinstance(layer, Layer) and layer.ordered else name


def _check(state: Lowered, node: Node, loss: Loss, activation: type[Activation]) -> None:
    name, wanted = activation.registered_name, loss.activations
    units = node.outputs[0].shape[-1:]
    classes = activation.probabilities == "classes"
    if classes and loss.targets == "binary" and units != (1,) and not loss.from_logits:
        text = f"{loss.name} judges each unit by itself, but softmax of `{node.name}` makes one choice among them"
        help = "write `categorical_crossentropy`, or `sparse_categorical_crossentropy` for class numbers"
        state.add("W502", text, node.span, help)
    elif not loss.from_logits and (name not in wanted or (classes and units == (1,))):
        suitable = "sigmoid" if units == (1,) else wanted[0]
        text = f"{loss.name} takes probabilities, but `{node.name}` ends in {_describe(activation, units)}"
        help = f"write `activation: {suitable}`, or `{loss.name}: {{from_logits: true}}` with a linear output"
        state.add("W502", text, node.span, help)
    elif loss.from_logits and name in wanted:
        text = f"{loss.name} with `from_logits: true` takes raw scores, but `{node.name}` {_gives(node, activation)}"
        also = ", or the activation" if _maker(node, name) == name else ""
        state.add("W502", text, node.span, f"leave `from_logits` out{also}")


def _describe(activation: type[Activation], units: tuple[int | None, ...]) -> str:
    if activation.identity:
        return "no activation"
    single = activation.probabilities == "classes" and units == (1,)
    return f"{activation.registered_name} over a single unit" if single else activation.registered_name
