"""Weights of a file → those of the layers of a built model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.internals import flatten_layers, saved_variables
from dlspec.backends.keras.weight_files import read_weights, values_of
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, shared_models
from dlspec.core.weights import Stored
from dlspec.graph.starting import Target, fit_of_model

if TYPE_CHECKING:
    from pathlib import Path

    from dlspec.backends.keras.weight_files import Values


def begin_models(models: Mapping[str, Any], graph: Graph) -> None:
    """Gives models that were read from files the weights that stand there.

    Args:
        models: Those that a graph calls, by name.
        graph: The graph.

    Raises:
        Problem: E542, a file has changed since it was read.
    """
    for model in shared_models(graph):
        if (origin := model.origin) is None or origin.model != model.name:
            continue  # an average begins with the weights of what it follows
        try:
            fit = fit_of_model(model.graph, read_weights(origin.path), origin)
            if not fit.left:
                assign(layers_in_order(models[model.name]), fit.pairs, origin.path, origin.shown)
                continue
            why = fit.describe(origin.shown)
        except Unreadable as error:
            why = str(error)
        raise Problem("E542", f"the weights of {model.name} cannot be read any more: {why}", "put the file back")


def assign(
    layers: Mapping[tuple[str, ...], Any], pairs: Sequence[tuple[Target, Stored]], path: Path, shown: str
) -> list[Any]:
    """Sets the weights of layers, and returns them.

    Args:
        layers: As :func:`layers_in_order` gives them.
        pairs: Which of them takes the weights of which layer of the file.
        path: The file.
        shown: What the spec calls it.

    Raises:
        Problem: E516, the file keeps them in a way that this version of Keras does not know.
        Unreadable: The file is damaged.
    """
    weights: list[Any] = []
    with values_of(path) as values:
        for target, stored in pairs:
            layer = layers[target.path]
            weights += _set(layer, stored, values, shown)
            settle_measures(layer)
    return weights


def settle_measures(layer: Any) -> None:
    """Lets layers that compute with constants made of their weights, in a model or alone, know that these changed."""
    import keras

    for each in flatten_layers(layer):
        if isinstance(each, keras.layers.Normalization):
            each.finalize_state()


def layers_in_order(whole: Any, saved: Any = None) -> dict[tuple[str, ...], Any]:
    """The layers with weights of a model by the names of the models around them and their own.

    Args:
        whole: The model.
        saved: A part of it, whose layers come first.
    """
    parts = [whole] if saved is None else [saved, whole]
    return {path: layer for part in parts for path, layer in _inside(part, ())}


def _inside(model: Any, around: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    import keras

    for layer in model.layers:
        path = (*around, layer.name)
        if isinstance(layer, keras.Model):
            yield from _inside(layer, path)
        elif layer.weights:
            yield path, layer


def _set(layer: Any, stored: Stored, values: Values, shown: str) -> list[Any]:
    """Sets the weights of a layer, and returns them.

    Raises:
        Problem: E516, the file keeps them in a way that this version of Keras does not know.
    """
    pairs = places_of(layer, stored)
    if pairs is None:
        message = f"`{shown}` keeps the weights of `{'.'.join(stored.path)}` otherwise than this version of Keras"
        raise Problem("E516", message, "save the model again with this version, or leave the layer out of `layers`")
    for weight, location in pairs:
        weight.assign(values.of(stored, location))
    return [weight for weight, _ in pairs]


def places_of(layer: Any, stored: Stored) -> list[tuple[Any, str]] | None:
    """The weights of a layer in its own order, each with its location in the file; None where they do not fit."""
    if stored.listed:
        places = list(stored.shapes)
        for weights in (layer.weights, sorted(layer.weights, key=lambda weight: not weight.trainable)):
            if [tuple(weight.shape) for weight in weights] == list(stored.shapes.values()):
                return list(zip(weights, places, strict=True))
        return None
    own = {id(weight) for weight in layer.weights}
    known = {id(value): location for location, value in saved_variables(layer).items() if id(value) in own}
    pairs = [(weight, known.get(id(weight), "")) for weight in layer.weights]
    fits = all(tuple(weight.shape) == stored.shapes.get(location) for weight, location in pairs)
    return pairs if fits else _by_shape(layer.weights, stored)


def _by_shape(weights: Sequence[Any], stored: Stored) -> list[tuple[Any, str]] | None:
    """The weights by their shapes, where no two have the same: older versions of Keras named places otherwise."""
    places = {shape: location for location, shape in stored.shapes.items()}
    pairs = [(weight, places.get(tuple(weight.shape), "")) for weight in weights]
    return pairs if len({location for _, location in pairs if location}) == len(weights) == len(stored.shapes) else None
