"""What tests of ``dlspec import`` share: a Keras model and the one that its import makes, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dlspec.backends.importing.archives import read_source
from dlspec.backends.keras.build import build
from dlspec.drafting.models.drafting import Draft, drafted
from dlspec.passes import Checked
from tests.support import compile_text

# What belongs to an object, or says what is the same without it.
_NOISE = (
    "name",
    "registered_name",
    "build_config",
    "compile_config",
    "shared_object_id",
    "trainable",
    "mask",
    "training",
)
# What holds names of layers: an activation may be called like one.
_NAMES = ("keras_history", "input_layers", "output_layers")
_COMMUTE = ("Add", "Multiply", "Average", "Maximum", "Minimum")


def imported(model: Any, folder: Path, form: str = ".keras", *, flat: bool = False) -> tuple[Draft, Any]:
    """The draft of a saved model, and the model that it makes."""
    path = folder / f"model{form}"
    if form == ".json":
        path.write_text(model.to_json(), encoding="utf-8")
    else:
        model.save(path)
    draft = drafted(read_source(path), flat=flat)
    return draft, made(draft.text, folder)


def made(text: str, folder: Path) -> Any:
    """The model of a spec that has no error."""
    state = compile_text(folder, text)
    assert isinstance(state, Checked), state.diagnostics.errors
    return build(state.graph)


def assert_same(model: Any, other: Any, tolerance: float = 0.0) -> None:
    """The same shapes of weights in the same order, and with the same weights the same outputs."""
    assert [tuple(weight.shape) for weight in other.weights] == [tuple(weight.shape) for weight in model.weights]
    other.set_weights(model.get_weights())
    values = [example_of(tensor) for tensor in model.inputs]
    expected, received = (keras.tree.flatten(each(values if len(values) > 1 else values[0])) for each in (model, other))
    by_shape = sorted(
        range(len(expected)), key=lambda number: (str(expected[number].shape), float(np.sum(expected[number])))
    )
    again = sorted(
        range(len(received)), key=lambda number: (str(received[number].shape), float(np.sum(received[number])))
    )
    for one, two in zip(by_shape, again, strict=True):
        np.testing.assert_allclose(received[two], expected[one], rtol=tolerance, atol=tolerance)


def example_of(tensor: Any) -> Any:
    """Random values for an input, the same each time."""
    random = np.random.default_rng(7)
    shape = [2, *(size or 5 for size in tensor.shape[1:])]
    if "int" in str(tensor.dtype):
        return random.integers(0, 4, shape).astype(tensor.dtype)
    return random.normal(size=shape).astype(tensor.dtype)


def canonical(model: Any) -> Any:
    """A model's config without names: each layer by its options, and by the places of those that enter it."""
    tree = json.loads(model.to_json())["config"]
    places = {layer["config"]["name"]: number for number, layer in enumerate(tree["layers"])}
    for layer in tree["layers"]:
        if layer["class_name"] in ("BatchNormalization", "LayerNormalization", "Normalization", "Concatenate"):
            layer["config"]["axis"] = _from_the_end(layer)
        for node in layer["inbound_nodes"] if layer["class_name"] in _COMMUTE else []:
            tensors = node["args"][0] if isinstance(node["args"][0], list) else node["args"]
            tensors.sort(key=lambda tensor: json.dumps(_bare(tensor, places)))
    return _bare({key: tree[key] for key in ("layers", "input_layers")}, places)


def _from_the_end(layer: Any) -> list[int]:
    """The axes of a layer, which may be counted from either end."""
    axis, tensor = layer["config"]["axis"], layer["inbound_nodes"][0]["args"][0]
    shape = (tensor[0] if isinstance(tensor, list) else tensor)["config"]["shape"]
    return [each - len(shape) if each >= 0 else each for each in (axis if isinstance(axis, list) else [axis])]


def _bare(value: Any, places: dict[str, int], named: bool = False) -> Any:
    """`value` without noise; where `named`, with places instead of names."""
    if isinstance(value, dict):
        if isinstance(value.get("layers"), list):  # a model inside, which has names of its own
            places = {layer["config"]["name"]: number for number, layer in enumerate(value["layers"])}
        return {key: _bare(item, places, named or key in _NAMES) for key, item in value.items() if key not in _NOISE}
    if isinstance(value, list):
        return [_bare(item, places, named) for item in value]
    return places.get(value, value) if named and isinstance(value, str) else value
