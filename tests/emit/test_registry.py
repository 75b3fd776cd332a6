"""Every example of every component as Python: the arguments that are written mean what Keras takes."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlspec.components.layers.base import Layer
from dlspec.components.ops.losses import LossStep
from dlspec.components.registry import Component, Example, declared, load_attribute
from dlspec.export.python.classes import class_source
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.module import emit_model
from dlspec.export.python.scope import Scope
from dlspec.export.python.syntax import text
from dlspec.passes.state import Checked
from tests.components.written import load
from tests.components.written import of_example as of_written
from tests.emit.equality import compare
from tests.layers.both import of_example
from tests.support import compile_text, read_value

# What derives one tensor by another needs a graph in which one depends on the other.
LAYERS = [
    (owner, example)
    for owner in declared()
    if owner.kind == "layer" and not (issubclass(owner, Layer) and owner.derives)
    for example in owner.examples
]
KINDS = ("activation", "constraint", "initializer", "loss", "metric", "optimizer", "regularizer", "schedule")
OTHERS = [(owner, example) for owner in declared() if owner.kind in KINDS for example in owner.examples]


def ids(pairs: list[tuple[type[Component], Example]]) -> list[str]:
    return [f"{owner.kind} {owner.registered_name} {example.value}" for owner, example in pairs]


def spec(owner: Any, example: Example) -> str:
    """A spec with the layer alone, its value as the example writes it, after its inputs."""
    inputs = {
        f"in{place}": {"shape": list(shape), "dtype": example.dtype} for place, shape in enumerate(example.inputs)
    }
    value = read_value(example.value)
    options = dict(value) if isinstance(value, dict) else {owner.shorthand: value}
    layer, tensors = of_example(owner, example)
    found = layer.infer(tensors) if layer.takes_list else layer.infer(*tensors)
    outputs = len(found) if isinstance(found, tuple) else 1
    name = {"name": [f"out{place}" for place in range(outputs)]} if outputs > 1 else {}
    step = {owner.registered_name: {**options, "from": list(inputs), **name}}
    return json.dumps({"name": "one", "inputs": inputs, "layers": [step]})


@pytest.mark.exhaustive
@pytest.mark.parametrize(("owner", "example"), LAYERS, ids=ids(LAYERS))
def test_a_layer_alone(owner: Any, example: Example, tmp_path: Path) -> None:
    state = compile_text(tmp_path, spec(owner, example))
    batchwise = _batchwise(owner, example)
    assert {item.code for item in state.diagnostics.errors} == ({"E417"} if batchwise else set())
    if not batchwise:
        assert isinstance(state, Checked)
        compare(state, emit_model(state), computes=False)


def _batchwise(owner: Any, example: Example) -> bool:
    """Whether it compares the examples of a batch, which no output of a model may."""
    step = of_example(owner, example)[0]
    return isinstance(step, LossStep) and bool(step.over_batch)


def test_a_layer_of_each_kind_is_written(tmp_path: Path) -> None:
    """Quickly, without building: what is written parses and is called by the names that the spec uses."""
    for owner, example in LAYERS:
        state = compile_text(tmp_path, spec(owner, example))
        expected = {"E417"} if _batchwise(owner, example) else set()  # as an output
        assert {item.code for item in state.diagnostics.errors} == expected
        ast.parse(emit_structured(state))


def emit_structured(state: Any) -> str:
    """A module, unformatted; fails where a single layer needs the fallback."""
    from dlspec.export.python.module import structured

    functions, _ = structured(state)
    return "\n".join(function.code.replace("return ", "") for function in functions)


@pytest.mark.parametrize(("owner", "example"), OTHERS, ids=ids(OTHERS))
def test_a_component(owner: type[Component], example: Example) -> None:
    value = load(example.value)
    expected = of_written(owner, example)
    for written in (
        Constructors().named(owner, value, Scope({})),
        Constructors().instance(expected),
    ):
        if not owner.keras:  # Keras takes the word in `compile`
            assert text(written) == repr(owner.registered_name)
        elif isinstance(written, ast.Constant):
            assert resolved(owner.kind, written.value) == plain(made(expected))
        else:
            assert plain(evaluated(text(written))) == plain(made(expected)), text(written)


def evaluated(source: str) -> Any:
    """A constructor call as the generated module would run it."""
    namespace: dict[str, Any] = {"keras": keras, "layers": keras.layers, "ops": keras.ops}
    constructors = Constructors()
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)} - set(namespace)
    for owner in declared():
        word = owner.keras.rpartition(".")[2]
        if word in names and owner.keras.startswith("dlspec.keras_layers."):
            constructors.path(owner.keras)
            exec(class_source(constructors.own[word], "test"), namespace)
        elif word in names and owner.keras.startswith("dlspec.standalone."):  # a project carries its file
            namespace[word] = load_attribute(owner.keras)
    return eval(source, namespace)


def made(component: Component) -> Any:
    keras.utils.set_random_seed(1)
    return component.make() if component.keras else component.registered_name


def resolved(kind: str, word: Any) -> Any:
    """What Keras makes of a plain name."""
    package = {"loss": "losses", "schedule": "optimizers.schedules"}.get(kind, f"{kind}s")
    found: Any = keras
    for part in package.split("."):
        found = getattr(found, part)
    return plain(found.get(word))


def plain(value: Any) -> Any:
    """Class and configuration, without what is drawn or numbered."""
    if isinstance(value, str | type(None)):
        return value
    if hasattr(value, "get_config"):
        return type(value).__name__, nameless(json.loads(json.dumps(value.get_config(), default=shown)))
    return getattr(value, "__name__", repr(value))


def nameless(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: nameless(item)
            for key, item in value.items()
            if key not in ("name", "seed", "module", "registered_name")
        }
    if isinstance(value, list):
        return (
            nameless(value[0]) if len(value) == 1 else [nameless(item) for item in value]
        )  # one axis, or a list of it
    return value


def shown(value: Any) -> Any:
    return (
        value.tolist()
        if isinstance(value, np.ndarray | np.generic)
        else getattr(value, "__name__", type(value).__name__)
    )
