"""Every example of every layer as a spec, compiled and built: Keras makes what the graph says, again from a config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import pytest
from both import LAYERS, of_example, static

from dlspec.backends.keras.build import build_with_tensors, verify
from dlspec.components.registry import Component, Example
from tests.support import compile_text, read_value

EXAMPLES = [
    (owner, example) for owner in LAYERS if owner.keras.startswith("keras.layers.") for example in owner.examples
]
IDS = [f"{owner.registered_name} {example.value} {list(example.inputs)}" for owner, example in EXAMPLES]


def spec(owner: Any, example: Example) -> str:
    """A spec with the layer alone, its value as the example writes it."""
    inputs = {f"x{place}": {"shape": list(shape), "dtype": example.dtype} for place, shape in enumerate(example.inputs)}
    value = read_value(example.value)
    options = dict(value) if isinstance(value, dict) else {owner.shorthand: value}
    outputs = len(static(*of_example(owner, example)).shapes)
    name = {"name": [f"y{place}" for place in range(outputs)]} if outputs > 1 else {}
    step = {owner.registered_name: {**options, "from": list(inputs), **name}}
    return json.dumps({"inputs": inputs, "layers": [step]})


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=IDS)
def test_example_in_a_spec(owner: type[Component], example: Example, tmp_path: Path) -> None:
    state = compile_text(tmp_path, spec(owner, example))
    assert not state.diagnostics.errors
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    loaded = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    assert [tuple(w.shape) for w in loaded.weights] == [tuple(w.shape) for w in model.weights]
    assert [x.shape for x in loaded.outputs] == [x.shape for x in model.outputs]
