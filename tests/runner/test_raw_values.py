"""The saved model takes raw values, missing ones too, and gives what the trained one gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from running import load

import dlspec.keras_layers  # noqa: F401  (registers the layers that fill in missing values)
from dlspec.data.binding.signature import of_graph
from dlspec.data.feeding.pipeline import prepare
from dlspec.data.feeding.raw import outputs_of, read_inputs
from dlspec.data.feeding.trained import Training
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.training.train import request_of, run
from tests.support import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["diabetes", "zones"])
def test_raw_values_in_and_the_same_predictions_out(tmp_path: Path, name: str) -> None:
    state = compile_spec(ROOT / f"specs/start/{name}.yaml", ("train.epochs=2",))
    assert isinstance(state, Checked)
    trained = state.trainable()
    data, method = trained.data_section, trained.method
    signature = of_graph(state.graph)
    report = run(replace(request_of(trained), signature=signature), tmp_path)
    model = load(report.folder / "model.keras")
    outputs = outputs_of(report.facts["data"]["targets"])
    raw = read_inputs(Training(data, ROOT / "specs/start", signature), outputs=outputs)
    lacking = [np.isnan(v) if v.dtype != object else v == "" for v in raw.inputs.values()]
    assert any(values.any() for values in lacking), "the test is about missing values"

    tensors = {key: _tensor(values) for key, values in raw.inputs.items()}
    whole = np.asarray(model([tensors[one.name] for one in model.inputs]))

    prepared = prepare(data, ROOT / "specs/start", signature, method)
    core = next(layer for layer in model.layers if hasattr(layer, "layers"))
    for part, numbers in ((prepared.train, prepared.parts.train), (prepared.test, prepared.parts.test)):
        assert part is not None
        values = {key: _tensor(value) for key, value in part.inputs.items()}
        inner = np.asarray(core([values[one.name] for one in core.inputs]))
        np.testing.assert_allclose(whole[numbers], inner, rtol=1e-5, atol=1e-5)
        for output in outputs:
            np.testing.assert_array_equal(raw.targets[output.name][numbers], part.targets[output.name])


def _tensor(values: np.ndarray) -> object:
    import tensorflow as tf

    return tf.constant(values.tolist() if values.dtype == object else values)
