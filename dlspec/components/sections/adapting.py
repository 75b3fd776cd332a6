"""Adapters in a graph: the weights beside which they learn, and what is trained with them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dlspec.components.layers.base import Layer, contained
from dlspec.components.sections.matching import layer_names, matching
from dlspec.components.sections.weight_groups import NamedWeight, named_weights
from dlspec.core.ir import Graph, Node, SharedModel, Weight


class Site(NamedTuple):
    """A weight beside which an adapter may learn.

    Attributes:
        name: By which `layers` means it: its layer, and the projection where the layer has several.
        weight: The weight.
    """

    name: str
    weight: NamedWeight

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of the weight, as a matrix whose columns are its last axis."""
        *rows, columns = self.weight.declared.shape
        return math.prod(rows), columns

    @property
    def reason(self) -> str:
        """Why it takes no adapter, as text that follows "`dense`"; "" where it takes one."""
        if not self.weight.trainable:
            return "is declared `trainable: false`"
        for layer in contained(self.weight.node.layer):
            for option in ("kernel_constraint", "embeddings_constraint"):
                if getattr(layer, option) is not None:
                    return f"has a `{option}`, which only whole weights can keep"
        return ""

    def matrices(self, rank: int) -> tuple[Weight, Weight]:
        """The two matrices of an adapter, as Keras calls them."""
        before, _, own = self.weight.declared.name.rpartition("/")
        name = f"{before}/lora_{own}" if before else f"lora_{own}"
        *rows, columns = self.weight.declared.shape
        return Weight(f"{name}_a", (*rows, rank)), Weight(f"{name}_b", (rank, columns))


def sites(graph: Graph) -> Iterator[Site]:
    """The weights of a graph that have a matrix's shape, in layers that Keras can give adapters."""
    for weight in named_weights(graph):
        layer = weight.node.layer
        if isinstance(layer, Layer) and weight.declared.name in layer.adaptable:
            yield Site(weight.name.rpartition(".")[0], weight)


@dataclass(frozen=True, slots=True)
class Adapted:
    """Where adapters stand in a model, and what learns beside them.

    Attributes:
        adapter: As declared.
        sites: The weights beside which they learn, in the order of the graph.
        learning: Names of the layers that learn as they are, as :attr:`NamedWeight.layer` has them.
        trainable: Scalars of all that learns.
    """

    adapter: Any
    sites: tuple[Site, ...]
    learning: frozenset[str]
    trainable: int = 0

    @property
    def parameters(self) -> int:
        """Scalars of all adapters."""
        return sum(matrix.size for site in self.sites for matrix in site.matrices(self.adapter.rank))

    def graph(self, graph: Graph) -> Graph:
        """A graph with the weights of the adapters behind those of their layers, of which nothing else learns.

        Args:
            graph: All that is trained.
        """
        return _Adapting(self).graph(graph, "")


class _Adapting:
    """Puts the weights of adapters into a graph; each model that it calls is changed once."""

    def __init__(self, adapted: Adapted) -> None:
        self._adapted = adapted
        self._sites = {site.weight.name: site for site in adapted.sites}
        self._models: dict[str, SharedModel] = {}

    def graph(self, graph: Graph, prefix: str) -> Graph:
        """The graph of the spec, or of a model whose layers are called `prefix` and their names."""
        made: set[str] = set()
        return replace(graph, nodes=tuple(self._node(node, prefix, made) for node in graph.nodes))

    def _node(self, node: Node, prefix: str, made: set[str]) -> Node:
        if isinstance(node.layer, SharedModel):
            model = self._model(node.layer)
            return replace(node, layer=model, weights=tuple(model.new_weights(made)))
        if not node.weights:
            return node
        name = f"{prefix}{node.name}"
        return replace(node, weights=tuple(self._weights(node, name, learns=name in self._adapted.learning)))

    def _model(self, model: SharedModel) -> SharedModel:
        if model.name not in self._models:
            self._models[model.name] = replace(model, graph=self.graph(model.graph, f"{model.name}."))
        return self._models[model.name]

    def _weights(self, node: Node, name: str, *, learns: bool) -> Iterator[Weight]:
        """The weights of a layer as Keras lists them: those of an adapter behind the last of its part of the layer."""
        waiting: tuple[Weight, ...] = ()
        part = ""
        for weight in node.weights:
            own = weight.name.rpartition("/")[0]
            if own != part:
                yield from waiting
                part, waiting = own, ()
            yield weight if learns else replace(weight, trainable=False)
            site = self._sites.get(f"{name}.{weight.name.replace('/', '.')}")
            waiting = waiting if site is None else site.matrices(self._adapted.adapter.rank)
        yield from waiting


class Choice(NamedTuple):
    """What one pattern means.

    Attributes:
        sites: Weights that an adapter may learn beside.
        layers: Names of all layers and models that it fits, whether or not they have weights.
    """

    sites: list[Site]
    layers: list[str]


def chosen(patterns: tuple[str, ...] | None, graph: Graph) -> dict[str, Choice]:
    """What each pattern of `layers` means; all sites under "" where there is none."""
    known = list(sites(graph))
    if patterns is None:
        return {"": Choice(known, [])}
    by_name: dict[str, list[Site]] = {}
    for site in known:
        by_name.setdefault(site.name, []).append(site)
    named = layers_by_name(graph)
    choices = {}
    for pattern in patterns:
        meant = matching(_spellings(pattern, named), by_name)
        fitting = [site for names in meant.values() for name in names for site in by_name[name]]
        choices[pattern] = Choice(list(dict.fromkeys(fitting)), all_meant(pattern, named))
    return choices


def layers_by_name(graph: Graph) -> Mapping[str, str]:
    """Every name of a layer with the one that it has in Keras; of layers inside of models, after the model's name."""
    inner = {weight.layer: weight.layer for weight in named_weights(graph)}
    return {**inner, **layer_names(graph)}


def all_meant(pattern: str, named: Mapping[str, str]) -> list[str]:
    """The names in Keras of the layers and models that a pattern fits; `named` as :func:`layers_by_name` gives them."""
    meant = matching(_spellings(pattern, named), named)
    return list(dict.fromkeys(named[name] for names in meant.values() for name in names))


def _spellings(pattern: str, named: Mapping[str, str]) -> tuple[str, ...]:
    """A pattern, and the name in Keras where it is another name of one layer or model."""
    return tuple(dict.fromkeys((pattern, named.get(pattern, pattern))))
