"""Layers by their place in ``model.layers``: generated models carry only the names that a spec wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.export.python.syntax import Unsupported, constant, text
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    from dlspec.core.ir import Graph


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


def from_saved(graph: Graph, path: Path) -> list[dict[str, Any]]:
    """Which layers take their weights from which of a saved model; one entry for each model that holds some.

    Raises:
        Unsupported: The file cannot be loaded by Keras alone.
    """
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.internals import flatten_layers
    from dlspec.training.loop.phases import load_weights

    model = build(graph)
    load_weights(model, path, path.name)  # says what is wrong with the file
    saved = keras.saving.load_model(path, compile=False)
    if any(keras.saving.get_registered_name(type(layer)).startswith("dlspec>") for layer in flatten_layers(saved)):
        raise Unsupported("`start_from` a model with layers that Keras lacks")
    sources = dict(_layers(saved, "saved"))
    by_holder: dict[str, list[tuple[int, str]]] = {}
    for number, layer in enumerate(model.layers):
        holder, source = sources.get(layer.name, ("", None))
        if layer.weights and source is not None and _shapes(source) == _shapes(layer):
            by_holder.setdefault(holder, []).append((number, layer.name))
    return [{"holder": Code(holder), "pairs": tuple(pairs)} for holder, pairs in by_holder.items()]


def _shapes(layer: Any) -> list[Any]:
    return [weight.shape for weight in layer.weights]


def _layers(model: Any, holder: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    """All layers by name with the expression of the model that holds each; the outer one counts."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer, f"{holder}.get_layer({text(constant(layer.name))})")
        yield layer.name, (holder, layer)
