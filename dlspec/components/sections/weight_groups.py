"""Weights of a model by name or pattern, and the groups of an optimizer that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from dlspec.components.sections.matching import layers_meant
from dlspec.core.ir import Graph, Node, SharedModel, Weight, shared_models


class NamedWeight(NamedTuple):
    """A weight of a model.

    Attributes:
        layer: The layer that has it; inside of a model after the model's name.
        owners: Names by which a spec freezes or trains it: of the layer, or of the models around it.
        trainable: Whether training changes it.
        node: The call that makes it.
        declared: The weight itself.
    """

    name: str
    layer: str
    owners: frozenset[str]
    trainable: bool
    node: Node
    declared: Weight


def named_weights(graph: Graph) -> Iterator[NamedWeight]:
    """The weights of a graph, each once, those of a layer in Keras's order.

    A weight is called after its layer, `dense.kernel`; inside of a model after the model too, `Backbone.dense.kernel`.
    Models inside of others are called by their own names.
    """
    yield from _of_nodes(graph, "")
    around: dict[str, set[str]] = {}
    models = {node.layer.name: node.layer for node in graph.nodes if isinstance(node.layer, SharedModel)}
    for outer, model in models.items():
        for inner in (model, *shared_models(model.graph)):
            around.setdefault(inner.name, set()).add(outer)
    for model in shared_models(graph):
        yield from _of_nodes(model.graph, f"{model.name}.", frozenset(around[model.name]))


def _of_nodes(graph: Graph, prefix: str, owners: frozenset[str] | None = None) -> Iterator[NamedWeight]:
    for node in graph.nodes:
        if node.weights and not isinstance(node.layer, SharedModel):
            layer = f"{prefix}{node.name}"
            for weight in node.weights:
                name = f"{layer}.{weight.name.replace('/', '.')}"
                owned = frozenset((node.name,)) if owners is None else owners
                yield NamedWeight(name, layer, owned, weight.trainable, node, weight)


def weight_names(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Names of the weights of each layer that has some, in Keras's order, by :attr:`NamedWeight.layer`."""
    named: dict[str, tuple[str, ...]] = {}
    for weight in named_weights(graph):
        named[weight.layer] = (*named.get(weight.layer, ()), weight.name)
    return named


def members(groups: Mapping[str, Any], names: Iterable[str]) -> dict[str, list[str]]:
    """The weights of each group, in their order: the first pattern that fits one counts.

    Args:
        groups: By pattern: the name of a weight, of a layer, block or model, or something with a `*`.
        names: Of all weights.
    """
    taken: set[str] = set()
    chosen: dict[str, list[str]] = {}
    for pattern, some in layers_meant(groups, {name: name for name in names}).items():
        chosen[pattern] = [name for name in some if name not in taken]
        taken.update(some)
    return chosen
