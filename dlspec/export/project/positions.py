"""Layers by their place in ``model.layers``: generated models carry only the names that a spec wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.backends.keras.assigning import layers_in_order, places_of
from dlspec.components.sections.training import StartFrom
from dlspec.data.sources.paths import RUN_MODEL, weights_file
from dlspec.export.python.syntax import Unsupported, constant, text
from dlspec.export.python.templates import Code
from dlspec.graph.starting import Fit
from dlspec.training.loop.starting import load_weights

if TYPE_CHECKING:
    from dlspec.core.ir import Graph
    from dlspec.passes.state import Trainable


def layer_names(graph: Graph) -> list[str]:
    """Names of the layers of the built model in Keras's order."""
    import keras

    from dlspec.backends.keras.build import build

    keras.backend.clear_session()
    return [layer.name for layer in build(graph).layers]


def places(names: Sequence[str], chosen: Sequence[str], model: str = "model") -> Code:
    """Expression of some layers: ``model.layers[1:7]``, or several such stretches; `model` is the variable."""
    numbers = sorted(names.index(name) for name in chosen)
    stretches = []
    for _, some in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in some]
        stretches.append(f"{model}.layers[{run[0]}:{run[-1] + 1}]")
    return Code(" + ".join(stretches))


class Start(NamedTuple):
    """How a project reads the weights that come first, before training.

    Attributes:
        file: Name of the file.
        loads: Whether Keras loads it as a model; else its weights are read one by one.
        entries: Of a model, "into" and "holder", expressions of the models that hold the layers, and "pairs" of a
            number and a name; of weights, "into" and "pairs" of a number and the places of a layer's weights.
    """

    file: str
    loads: bool
    entries: list[dict[str, Any]]


def start_of(state: Trainable, start: StartFrom) -> Start:
    """Which layers take their weights from which of a file.

    Raises:
        Unsupported: The file cannot be loaded by Keras alone.
    """
    from dlspec.backends.keras.build import build, saved_part

    path = weights_file(start.file, state.folder, allow_outside=state.allow_outside)
    if (state.folder / start.file).is_dir():
        raise Unsupported(f"`start_from` a run; name its `{RUN_MODEL}`")
    whole = build(state.training_graph)
    part = saved_part(whole, state.graph)
    averages = tuple(state.method.averages)
    fit = load_weights(whole, path, start, saved=part, called=state.method.layer_names, averages=averages).fit
    if path.suffix == ".keras":
        return Start(start.file, True, [*_from_model(whole, path, fit)])
    layers = layers_in_order(whole, part)
    return Start(start.file, False, [*_from_weights(whole, layers, fit)])


def _from_model(whole: Any, path: Path, fit: Fit) -> Iterator[dict[str, Any]]:
    import keras

    from dlspec.backends.keras.internals import flatten_layers

    saved = keras.saving.load_model(path, compile=False)
    if any(keras.saving.get_registered_name(type(layer)).startswith("dlspec>") for layer in flatten_layers(saved)):
        raise Unsupported("`start_from` a model with layers that Keras lacks")
    places = _places(whole)
    by_holder: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for target, stored in fit.pairs:
        into, number = places[target.path]
        holder = "".join(["saved", *(f".get_layer({text(constant(name))})" for name in stored.path[:-1])])
        by_holder.setdefault((into, holder), []).append((number, stored.name))
    for (into, holder), pairs in by_holder.items():
        yield {"into": Code(into), "holder": Code(holder), "pairs": tuple(pairs)}


def _from_weights(whole: Any, layers: Mapping[tuple[str, ...], Any], fit: Fit) -> Iterator[dict[str, Any]]:
    places = _places(whole)
    by_model: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for target, stored in fit.pairs:
        into, number = places[target.path]
        pairs = places_of(layers[target.path], stored) or []
        before = f"{stored.root}{stored.group}/"
        by_model.setdefault(into, []).append((number, tuple(before + location for _, location in pairs)))
    for into, listed in by_model.items():
        yield {"into": Code(into), "pairs": tuple(listed)}


def numbers_of_layers(graph: Graph) -> dict[str, tuple[str, int]]:
    """Each layer of the built model by its name, after that of the model around it: what holds it, and its number."""
    import keras

    from dlspec.backends.keras.build import build

    keras.backend.clear_session()
    return {".".join(path[-2:]): position for path, position in _places(build(graph)).items()}


def _places(model: Any, around: tuple[str, ...] = (), into: str = "") -> dict[tuple[str, ...], tuple[str, int]]:
    """Each layer by its path: what holds it, behind the variable of the whole model, and its number there."""
    import keras

    places: dict[tuple[str, ...], tuple[str, int]] = {}
    for number, layer in enumerate(model.layers):
        path = (*around, layer.name)
        places[path] = into, number
        if isinstance(layer, keras.Model):
            places |= _places(layer, path, f"{into}.layers[{number}]")
    return places
