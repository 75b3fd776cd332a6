"""Traits of a model that matter to formats, from a graph before anything is built, or from a Keras model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dlspec.backends.keras.internals import flatten_layers
from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component
from dlspec.core.errors import Span
from dlspec.core.ir import Graph, shared_models


@dataclass(frozen=True, slots=True)
class Trait:
    """One part of a model that some format cannot hold.

    Attributes:
        kind: ``text``, an input of strings; ``loop``, a recurrent layer that is not unrolled; ``lack``, a layer for
            which some formats have no operations.
        name: Of the input or layer.
        what: The kind of the layer, where formats lack it.
        formats: Those formats.
    """

    kind: Literal["text", "loop", "lack"]
    name: str
    span: Span | None = None
    what: str = ""
    formats: tuple[str, ...] = ()


def of_graph(graph: Graph) -> list[Trait]:
    """The traits of a checked spec, each at its line."""
    texts = [
        Trait("text", graph.nodes[index].name, graph.nodes[index].span)
        for index in graph.inputs
        if graph.nodes[index].outputs[0].dtype == "string"
    ]
    graphs = (graph, *(model.graph for model in shared_models(graph)))
    return texts + [trait for part in graphs for trait in (*_loops(part), *_lacks(part))]


def _lacks(graph: Graph) -> Iterator[Trait]:
    for node in graph.nodes:
        if isinstance(node.layer, Layer):
            entering = [graph.nodes[edge.node].outputs[edge.output] for edge in node.edges]
            if formats := node.layer.lacking_in(*entering):
                yield Trait("lack", node.name, node.span, node.kind, formats)


def _loops(graph: Graph) -> Iterator[Trait]:
    for node in graph.nodes:
        if any(isinstance(part, Layer) and part.unroll is False for part in _parts(node.layer)):
            yield Trait("loop", node.name, node.span)


def _parts(value: Any) -> Iterable[Any]:
    """A component and all components among its options."""
    if isinstance(value, Component):
        yield value
        for option in value.given.values():
            yield from _parts(option)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)


def of_model(model: Any) -> list[Trait]:
    """The traits of a Keras model, inside nested models and wrappers too."""
    import keras

    traits = [Trait("text", tensor.name) for tensor in model.inputs if tensor.dtype == "string"]
    for layer in flatten_layers(model, include_self=False):
        if isinstance(layer, keras.layers.RNN) and not layer.unroll:
            traits.append(Trait("loop", layer.name))
    return traits
