"""Whether the weights of a saved model come along: each layer of the draft takes those of the layer that it was."""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.backends.importing.archives import Source
from dlspec.backends.importing.steps import Body, Model
from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.weight_files import read_weights
from dlspec.components.sections.training import StartFrom
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, SharedModel
from dlspec.core.weights import WeightFile
from dlspec.drafting.models.equality import keys_of
from dlspec.graph.layer_order import in_keras_order
from dlspec.graph.starting import Fit, fitting, targets_of


def come_along(source: Source, model: Model, flat: Graph, graph: Graph) -> bool | None:
    """Whether `match: order` gives all weights of the file, each to the layer that it belongs to.

    Args:
        source: The saved model.
        model: Its steps.
        flat: What these make, one by one.
        graph: What the draft makes, where equal parts may stand in another order.

    Returns:
        None where the file has no weights.
    """
    file = _file(source)
    if file is None or not file.layers:
        return None
    fit = _fit(file, graph)
    if fit is None or fit.left:
        return False
    if graph is not flat and _in_order(graph) != _in_order(flat):
        return False
    return list(_layers(flat, model.main, model)) == [stored.name for _, stored in fit.pairs]


def in_order_of(model: Model, flat: Graph, graph: Graph) -> list[str] | None:
    """The layers of a model that is no file of Keras, in the order in which the draft takes their weights.

    Returns:
        None where the draft is not known to take them in one order.
    """
    names = list(_layers(flat, model.main, model))
    if graph is flat or _in_order(graph) == _in_order(flat):
        return names
    places = dict(zip(_in_order(flat), names, strict=True))
    return [places[key] for key in _in_order(graph)] if len(places) == len(names) else None


def _file(source: Source) -> WeightFile | None:
    try:
        return read_weights(source.path) if source.path is not None else None
    except Unreadable:
        return None


def _fit(file: WeightFile, graph: Graph) -> Fit | None:
    try:
        return fitting(targets_of(graph, graph), file, StartFrom(file="", match="order"), "")
    except Problem:
        return None


def _in_order(graph: Graph) -> list[int]:
    """What stands for each layer with all that leads to it, in the order of the weights."""
    keys = keys_of(graph)
    return [keys[node.index] for node in in_keras_order(graph) if node.weights or isinstance(node.layer, SharedModel)]


def _layers(graph: Graph, body: Body, model: Model) -> Iterator[str]:
    """Names of the saved layers that have weights, in the order of the draft's layers."""
    before = len(graph.inputs)
    for node in in_keras_order(graph):
        if isinstance(node.layer, SharedModel):
            yield from _layers(node.layer.graph, model.models[node.layer.name], model)
        elif node.weights:
            number = node.index - before
            yield body.steps[number].layer if len(body.steps) == len(graph.nodes) - before else ""
