"""Outputs with more axes than their target: where the model should have put them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.training.heads import Head
from dlspec.core.errors import Diagnostic, Note, Problem, Span
from dlspec.core.ir import Edge, Graph, Node, Tensor, show_shape
from dlspec.graph.lower.infer import apply

Fits = Callable[[Tensor], bool]


class Mismatch(Problem):
    """A loss that cannot compare a target with an output.

    Attributes:
        fits: Whether it could compare the target with another output.
        target: What the target is.
    """

    def __init__(self, problem: Problem, fits: Fits, target: Tensor) -> None:
        super().__init__(problem.code, problem.message, problem.help, problem.option)
        self.fits = fits
        self.target = target


class _Remedy(NamedTuple):
    """Layers that would do before a node of the chain."""

    node: Node
    names: list[str]
    instead: str


def told_at_layer(problem: Mismatch, loss: str, graph: Graph, output: str, span: Span | None) -> Diagnostic | None:
    """The mismatch as a mistake of the layer that keeps too many axes; None where no layer added would mend it.

    Args:
        problem: What the loss says.
        loss: Its name.
        graph: The model.
        output: Name of the output that is compared.
        span: Where the loss stands.
    """
    edge = dict(graph.outputs)[output]
    chain = list(_chain(graph, edge))
    remedy = _remedy(chain, graph, problem.fits)
    if remedy is None:
        return None
    entering, gives = graph.tensor(_source(remedy.node)), show_shape(graph.tensor(edge).shape)
    text = f"`{remedy.node.name}` keeps the axes of its input {show_shape(entering.shape)}: the output is {gives}"
    text += f", the target {show_shape(problem.target.shape)}"
    before = " or ".join(f"`{name}`" for name in remedy.names)
    help = f"add {before} before `{remedy.node.name}`"
    if remedy.instead:
        help = f"{remedy.instead}, or {help}"
    return Diagnostic("E503", text, remedy.node.span, help, (Note(f"`{loss}` compares them here", span),))


def of_classes(problem: Mismatch, diagnostic: Diagnostic, head: Head) -> Diagnostic:
    """The mismatch with the loss that takes one class number for the probabilities that softmax gives."""
    classes = head.activation is not None and head.activation.probabilities == "classes"
    single = head.output is None or head.output.rank != 1 or head.output.shape == (1,)
    if problem.option or not classes or single or problem.target.shape not in ((), (1,)):
        return diagnostic
    return diagnostic._replace(help="write `sparse_categorical_crossentropy`, which takes class numbers")


def _chain(graph: Graph, edge: Edge) -> Iterator[Node]:
    """The layers that lead to an output one after the other, the last first."""
    node = graph.nodes[edge.node]
    while isinstance(node.layer, Layer) and len(node.edges) == 1:
        yield node
        node = graph.nodes[node.edges[0].node]


def _source(node: Node) -> Edge:
    return node.edges[0]


def _remedy(chain: Sequence[Node], graph: Graph, fits: Fits) -> _Remedy | None:
    """A change that makes the output fit; the one before the first layer with weights, where there are several."""
    places: list[tuple[Node, list[str]]] = []
    for position, node in enumerate(chain):
        entering = graph.tensor(_source(node))
        following = list(reversed(chain[: position + 1]))
        names = [
            layer.name
            for layer in _reducers(entering)
            if (reduced := _through([layer], entering)) is not None
            and (output := _through([step.layer for step in following], reduced)) is not None
            and fits(output)
        ]
        if names:
            places.append((node, names))
    if not places:
        return None
    weighted = [pair for pair in places if pair[0].weights and graph.tensor(_source(pair[0])).rank > 1]
    node, names = (weighted or places)[-1]
    instead = _last_step(chain, graph, fits)
    return _Remedy(node, names[-1:] if instead else names, instead)


def _reducers(x: Tensor) -> Iterator[Layer]:
    for name in ("flatten", f"global_average_pooling{x.rank - 1}d"):
        owner = registry.find("layer", name)
        if owner is not None:
            layer: Any = owner()
            yield layer


def _through(layers: Sequence[Any], x: Tensor) -> Tensor | None:
    """Output of layers applied one after the other; None where one of them refuses its input."""
    with suppress(Problem):
        for layer in layers:
            x = apply(layer, [Edge(0)], (), partial(_always, x)).outputs[0]
        return x
    return None


def _always(x: Tensor, _: Edge) -> Tensor:
    return x


def _last_step(chain: Sequence[Node], graph: Graph, fits: Fits) -> str:
    """Help to take the last step of a recurrent layer on the way; "" where there is no such layer."""
    for position, node in enumerate(chain):
        layer = node.layer.last_step_alone() if isinstance(node.layer, Layer) else None
        if layer is not None:
            following = [layer, *(step.layer for step in reversed(chain[:position]))]
            output = _through(following, graph.tensor(_source(node)))
            if output is not None and fits(output):
                return f"leave `return_sequences` out of `{node.name}`"
    return ""
