"""The weights that a training starts from, read from a file into the layers that `start_from` gives them to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.backends.keras.archive import Unreadable
from dlspec.backends.keras.internals import saved_variables
from dlspec.backends.keras.weight_files import read_weights, values_of
from dlspec.components.registry import snake_case
from dlspec.components.sections.training import StartFrom
from dlspec.core.errors import Problem
from dlspec.core.weights import Stored
from dlspec.graph.starting import Fit, Target, fitting, unreadable

if TYPE_CHECKING:
    from dlspec.backends.keras.weight_files import Values


class Loaded(NamedTuple):
    """What came of a file.

    Attributes:
        fit: Which layers took weights.
        weights: Those that were set.
    """

    fit: Fit
    weights: tuple[Any, ...]


def load_weights(
    whole: Any,
    path: Path,
    start: StartFrom,
    *,
    saved: Any = None,
    called: Mapping[str, str] | None = None,
    averages: Sequence[str] = (),
    sets: bool = True,
) -> Loaded:
    """Gives layers the weights in a file.

    Args:
        whole: The model that is trained.
        path: The file.
        start: What goes where.
        saved: The part of it that is saved; the whole unless given.
        called: Further names of layers.
        averages: Names of the models inside that are moving averages.
        sets: Whether weights change; else it is only looked what fits.

    Raises:
        Problem: E516, as :func:`dlspec.graph.starting.fitting`; or the file cannot be read.
    """
    layers = layers_in_order(whole, saved)
    targets = _targets(layers, called or {}, averages)
    try:
        fit = fitting(targets, read_weights(path), start, start.file)
        if not sets:
            return Loaded(fit, ())
        weights: list[Any] = []
        with values_of(path) as values:
            for target, stored in fit.pairs:
                weights += _set(layers[target.path], stored, values, start.file)
    except Unreadable as error:
        raise unreadable(start.file, error) from error
    return Loaded(fit, tuple(weights))


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


def _targets(layers: Mapping[tuple[str, ...], Any], called: Mapping[str, str], averages: Sequence[str]) -> list[Target]:
    """The layers as `start_from` looks for them."""
    further: dict[str, list[str]] = {}
    for name, own in called.items():
        further.setdefault(own, []).append(name)
    return [
        Target(
            path,
            snake_case(type(layer).__name__),
            tuple(tuple(weight.shape) for weight in layer.weights),
            tuple(".".join((name, *path[1:])) for name in further.get(path[0], ())),
            any(name in averages for name in path),
        )
        for path, layer in layers.items()
    ]


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
