"""What each output gives its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dlspec.components import registry
from dlspec.components.layers.base import ACTIVATION, Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import Component
from dlspec.components.sections.matching import layer_names
from dlspec.components.sections.weight_groups import weight_names
from dlspec.components.training.heads import Head
from dlspec.core.ir import Graph, Node
from dlspec.graph.lower.averages import averages_in
from dlspec.passes.state import Lowered, step

if TYPE_CHECKING:
    from dlspec.components.training.activations import Activation


@step(requires=Lowered)
def heads(state: Lowered) -> None:
    """Fills in the loss, the last activation and the type of each output, names of layers and weights, and averages."""
    if state.method is not None:
        state.method.layer_names = layer_names(state.training_graph)
        state.method.weight_names = weight_names(state.method.learning(state.training_graph))
        state.method.averages = averages_in(state.training_graph)
        state.method.padded = _padded(state)
    for name, edge in state.graph.outputs if state.method is not None else ():
        assert state.method is not None
        node = state.graph.nodes[edge.node]
        activation = last_activation(state.graph, node)
        state.method.heads[name] = Head(
            state.method.loss_of(name),
            activation,
            state.graph.tensor(edge),
            features=_ends_in_features(state.graph, node),
            reaches=_reaches(activation, _back(state.graph, node)[-1].layer),
        )


def _padded(state: Lowered) -> frozenset[str]:
    """Outputs that are compared with rows of indices, which 0 fills up."""
    targets = state.data_section.targets if state.data_section is not None else {}
    names = [name for name, _ in state.graph.outputs]
    if len(targets) == 1 and len(names) == 1:  # a single target may have any name
        targets = dict.fromkeys(names, next(iter(targets.values())))
    return frozenset(name for name in names if name in targets and targets[name].input is not None)


def last_activation(graph: Graph, node: Node) -> type[Activation] | None:
    """The activation that a node's output went through last; None where it cannot be told."""
    node = _back(graph, node)[-1]
    layer = node.layer
    if isinstance(layer, Layer) and layer.applies:
        return _declared(layer.applies)
    if not isinstance(layer, Layer) or ACTIVATION not in layer.fields:
        return None
    function = getattr(layer, ACTIVATION)
    if function is None:
        return _declared("linear")
    return cast("type[Activation]", type(function)) if isinstance(function, Component) else _declared(function)


def _declared(name: str) -> type[Activation] | None:
    """The activation called `name`, which layers name by default or are themselves."""
    return cast("type[Activation] | None", registry.find(ACTIVATION, name))


def _reaches(activation: type[Activation] | None, layer: Any) -> tuple[float | None, float | None]:
    """Between which values an activation lies; with options, as leaks have some, that is not known."""
    written = getattr(layer, "activation", None)
    if not isinstance(written, Component):
        written = layer if isinstance(layer, Layer) and layer.applies else None
    if activation is None or (written is not None and written.given):
        return None, None
    least, most = activation.reaches
    return least, most


def _ends_in_features(graph: Graph, node: Node) -> bool:
    """Whether the last axis is what a layer makes of each step, and not a side of a picture that was put together."""
    layer = getattr(node.layer, "layer", None) or node.layer
    if isinstance(layer, Component) and {"units", "filters", "output_dim"} & type(layer).fields.keys():
        return True
    if len(node.edges) != 1 or (isinstance(layer, Layer) and layer.moves):
        return False
    (edge,) = node.edges
    return graph.tensor(edge).shape == node.outputs[0].shape and _ends_in_features(graph, graph.nodes[edge.node])


def probability_heads(graph: Graph) -> list[Node]:
    """The layers whose softmax or sigmoid makes an output, and what moves it: they compute in float32 in any case."""
    nodes = [graph.nodes[edge.node] for _, edge in graph.outputs]
    ends = [node for node in nodes if (last := last_activation(graph, node)) is not None and last.probabilities]
    return [part for node in ends for part in [*_back(graph, node), *_makers(graph, _back(graph, node)[-1])]]


def _makers(graph: Graph, node: Node) -> list[Node]:
    """The layers from which an operation gets what it computes with, through others alone; [] for a layer."""
    makers: dict[int, Node] = {}
    waiting = [node] if isinstance(node.layer, Op) else []
    while waiting:
        for edge in waiting.pop().edges:
            before = graph.nodes[edge.node]
            if edge.node not in makers and isinstance(before.layer, Op):
                waiting.append(before)
            makers[edge.node] = before
    return list(makers.values())


def _back(graph: Graph, node: Node) -> list[Node]:
    """A node, and those before it as long as they only move elements."""
    if isinstance(node.layer, Layer) and node.layer.moves and node.edges:
        return [node, *_back(graph, graph.nodes[node.edges[0].node])]
    return [node]
