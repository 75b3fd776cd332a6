"""The third witness: the generated module, executed, against the model that is built from the graph."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.backends.keras.build import build
from dlspec.export.python.model_files import write_model_files
from dlspec.passes import compile_spec
from dlspec.passes.state import Compilation


def compiled(path: Path) -> Compilation:
    """A checked spec without errors."""
    state = compile_spec(path)
    assert not state.diagnostics.errors, [error.message for error in state.diagnostics.errors]
    return state


def execute(source: str, function: str = "build_model", beside: Path | None = None, **arguments: Any) -> Any:
    """The model of a generated module, which finds no dlspec to import, for arguments of `build_model`.

    Args:
        source: The module.
        function: Which of its functions gives the model: `build_whole` for all that is trained.
        beside: The folder with the weights that it reads.
        arguments: What it is called with.
    """
    import sys

    hidden = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "dlspec"}
    try:
        for name in hidden:
            sys.modules[name] = None  # type: ignore[assignment]
        namespace: dict[str, Any] = {"__name__": "generated", "__file__": str((beside or Path()) / "model.py")}
        exec(compile(source, "model.py", "exec"), namespace)
        return namespace[function](**arguments)
    finally:
        sys.modules.update(hidden)


def compare(state: Compilation, source: str, computes: bool = True, same_seeds: bool = True, **arguments: Any) -> None:
    """Configuration up to automatic names, weights in order, and all random numbers: outputs are the same bits.

    Args:
        state: The compiled spec.
        source: The module generated from it.
        computes: Whether the model can surely be called: before it has measured data, with any size of unknown axes.
        same_seeds: Whether both draw the same random numbers; else the weights are handed over.
        arguments: What `build_model` is called with.
    """
    import keras

    graph = state.trained
    assert graph is not None
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    ours = build(graph)
    function = "build_whole" if graph.objectives else "build_model"
    with tempfile.TemporaryDirectory() as folder:
        write_model_files(graph, Path(folder))
        keras.utils.set_random_seed(7)
        theirs = execute(source, function, Path(folder), **arguments)
    one, other = plain_config(ours), plain_config(theirs)
    assert one == other, difference(one, other)
    # Training is reproduced: the same first weights, and the same seeds of dropout and noise.
    left, right = ours.variables, theirs.variables
    assert [tuple(variable.shape) for variable in left] == [tuple(variable.shape) for variable in right]
    if not same_seeds:
        theirs.set_weights(ours.get_weights())
    for index, (mine, other_one) in enumerate(zip(left, right, strict=True) if same_seeds else ()):
        np.testing.assert_array_equal(values(mine), values(other_one), f"variable {index}, {mine.path}")
    batch = keras.tree.map_structure(keras.ops.convert_to_tensor, examples(state))
    try:
        first = called(ours, batch)
    except Exception:
        if computes:
            raise
        return
    outputs = zip(keras.tree.flatten(first), keras.tree.flatten(called(theirs, batch)), strict=True)
    for index, (mine, other_one) in enumerate(outputs):
        np.testing.assert_array_equal(values(mine), values(other_one), f"output {index}")


def called(model: Any, batch: Any) -> Any:
    """Outputs, not compiled: TensorFlow's optimizer fuses operations in an order that follows from names."""
    import keras

    keras.utils.set_random_seed(9)
    return model(batch, training=False)


def values(tensor: Any) -> Any:
    """A tensor's values; texts as they are."""
    import keras

    return keras.ops.convert_to_numpy(tensor)


def examples(state: Compilation, count: int = 2) -> Any:
    """A random batch for each input."""
    random = np.random.default_rng(0)
    graph = state.trained
    assert graph is not None
    found = []
    for index in graph.inputs:
        tensor = graph.nodes[index].outputs[0]
        shape = (count, *(size or 5 for size in tensor.shape))
        if tensor.dtype == "string":
            found.append(np.full(shape, "word", dtype=object))
        elif tensor.floating:
            found.append(random.normal(size=shape).astype(tensor.dtype))
        else:
            found.append(random.integers(0, 3, size=shape).astype(tensor.dtype))
    return found[0] if len(found) == 1 else found


def plain_config(model: Any) -> Any:
    """A model's configuration with its automatic names replaced by their order, and classes of ours told by name."""
    config = json.loads(json.dumps(model.get_config(), default=str))
    name = config["name"]
    return {**_functional(config), "name": name}


def _functional(config: dict[str, Any]) -> dict[str, Any]:
    names = {layer["name"]: f"#{index}" for index, layer in enumerate(config["layers"])}
    layers = []
    for layer in config["layers"]:
        inner = layer["config"]
        inner = _functional(inner) if "layers" in inner and "output_layers" in inner else _anonymous(inner)
        layers.append({"class": layer["class_name"], "config": inner, "calls": _calls(layer["inbound_nodes"], names)})
    return {
        "layers": layers,
        "inputs": _calls(config["input_layers"], names),
        "outputs": _calls(config["output_layers"], names),
        "trainable": config.get("trainable"),
    }


def _anonymous(value: Any) -> Any:
    """Without names of layers, and without the module that a class stands in."""
    if isinstance(value, dict):
        dropped = ("name", "module", "registered_name", "shared_object_id", "build_config")
        return {key: _anonymous(item) for key, item in value.items() if key not in dropped}
    return [_anonymous(item) for item in value] if isinstance(value, list) else value


def _calls(value: Any, names: dict[str, str]) -> Any:
    """Calls and tensors, with each layer told by its place; positions of one layer's calls are kept."""
    if isinstance(value, dict):
        return {key: _calls(item, names) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
            return [names[value[0]], value[1], value[2]]
        return [_calls(item, names) for item in value]
    return value


def difference(one: Any, other: Any, path: str = "") -> str:
    """The first place where two configurations differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            if one.get(key) != other.get(key):
                return difference(one.get(key), other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            if left != right:
                return difference(left, right, f"{path}[{index}]")
    return f"{path}: {str(one)[:300]} != {str(other)[:300]}"
