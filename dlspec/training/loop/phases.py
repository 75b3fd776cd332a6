"""What learns in each phase of a training, and the weights that it starts from."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlspec.components.sections.matching import layers_meant
from dlspec.components.sections.training import Phase
from dlspec.core.errors import Problem, did_you_mean
from dlspec.training.loop.wholes import whole_of
from dlspec.training.run.reasons import reason


def choose(model: Any, phase: Phase, called: Mapping[str, str] | None = None) -> None:
    """Freezes and unfreezes the layers that the phase names.

    Args:
        called: Further names of layers.

    Raises:
        Problem: E515, a pattern matches no layer, or nothing is left to learn.
    """
    layers = {layer.name: layer for layer in model.layers}
    known = {name: name for name in layers} | {name: own for name, own in (called or {}).items() if own in layers}
    for patterns, trainable in ((phase.freeze, False), (phase.unfreeze, True)):
        for pattern, names in layers_meant(patterns or (), known).items():
            if not names:
                raise Problem("E515", f"`{pattern}` is no layer of the model", did_you_mean(pattern, layers), "phases")
            for name in names:
                layers[name].trainable = trainable
    if not model.trainable_variables:
        raise Problem("E515", "nothing is left to learn in a phase", "freeze fewer layers", "phases")


def load_weights(model: Any, path: Path, shown: str) -> list[str]:
    """Gives layers the weights of those of the same name and shapes in a saved model.

    Args:
        path: A ``.keras`` file, or the folder of a run, of which all that it trained counts.
        shown: What the spec calls it.

    Returns:
        Names of the layers with weights that found none.

    Raises:
        Problem: E516, the file is no Keras model, or no layer fits.
    """
    import keras

    importlib.import_module("dlspec.keras_layers")  # registers the classes that the file may name

    try:
        saved = whole_of(path) if path.is_dir() else keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises of every kind
        what = "run" if path.is_dir() else "Keras model"
        message = f"`{shown}` cannot be read as a {what}: {reason(error)}"
        raise Problem("E516", message, "it takes a `.keras` file", "start_from") from error
    sources = {layer.name: layer for layer in _layers(saved)}
    left, loaded = [], 0
    for layer in model.layers:
        if not layer.weights:
            continue
        source = sources.get(layer.name)
        if source is not None and [w.shape for w in source.weights] == [w.shape for w in layer.weights]:
            layer.set_weights(source.get_weights())
            loaded += 1
        else:
            left.append(layer.name)
    if not loaded:
        names = ", ".join(f"`{name}`" for name, layer in list(sources.items())[:5] if layer.weights)
        message = f"no layer of `{shown}` has the name and shapes of one of this model"
        raise Problem("E516", message, f"its layers are {names}, …", "start_from")
    return left


def begin_averages(model: Any, averages: Mapping[str, tuple[str, float]], left: Sequence[str] | None) -> None:
    """Makes averages equal to what they follow; one that weights were loaded for goes on with them.

    Args:
        averages: As :attr:`dlspec.components.methods.base.Method.averages` has them.
        left: Names of the layers that found no weights; None where none were loaded.
    """
    from dlspec.standalone.averages import averages_of

    given = [layer for layer in model.layers if left is not None and layer.name not in left]
    loaded = {id(weight) for layer in given for weight in layer.weights}
    for average in averages_of(model, averages).all:
        if loaded.isdisjoint(map(id, average.model.weights)):
            average.begin()


def _layers(model: Any) -> Iterator[Any]:
    """All layers; those of the model inside a model that begins with preparation stand for themselves."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        yield layer
