"""The learned tensor as a step: in the model although nothing enters it, trained, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from dlspec.backends.keras.build import build_with_tensors, verify
from tests.support import compile_text

SPEC = """
inputs: {x: [3]}
layers:
  - weight: {shape: [2, 3], initializer: ones, regularizer: {l2: 0.5}, constraint: non_neg, name: table}
  - ops.expand_dims: {axis: 1, from: x}
  - ops.multiply: [table, prev]
  - ops.sum: [1, 2]
expect: {parameters: 6, output: []}
"""


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of TensorFlow, while saving
def test_a_learned_tensor_is_trained_and_saved(tmp_path: Path) -> None:
    state = compile_text(tmp_path, SPEC)
    assert not state.diagnostics.items
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    layer = model.get_layer("table")
    assert [variable.name for variable in layer.weights] == ["value"]
    assert float(sum(model.losses)) == 3.0
    assert isinstance(layer.value.constraint, keras.constraints.NonNeg)

    x = np.arange(12, dtype="float32").reshape(4, 3)
    np.testing.assert_allclose(model(x), 2 * x.sum(axis=1))
    model.compile(keras.optimizers.SGD(0.001), "mse")
    model.fit(x, np.zeros(4), verbose=0)
    assert float(keras.ops.max(keras.ops.abs(layer.value - 1))) > 0

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))
