"""Temperature scaling: the best temperature, inside the saved model, with the errors before and after in the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sample_runs
from sklearn.metrics import log_loss

from dlspec.training.calibrating import fitted, shares
from dlspec.training.evaluate import evaluate, own_examples
from dlspec.training.saved import open_run
from dlspec.views.pages.index import Run
from dlspec.views.pages.shares import calibration_error

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("weighed", [False, True])
def test_no_other_temperature_is_better(classes: int, weighed: bool) -> None:
    chance = np.random.default_rng(classes)
    scores = chance.normal(size=(400, classes)) * 2
    true = np.array([chance.choice(classes, p=share) for share in shares(scores)])
    weights = chance.random(400) if weighed else None
    found = fitted(scores * 3, true, weights)  # three times too sure
    assert found == pytest.approx(3, rel=0.25)
    losses = {one: log_loss(true, shares(scores * 3 / one), sample_weight=weights) for one in np.linspace(0.5, 9, 300)}
    assert log_loss(true, shares(scores * 3 / found), sample_weight=weights) <= min(losses.values()) + 1e-9


def test_labels_that_do_not_count_are_left_out() -> None:
    scores = np.array([[0.0, 2], [0, -1], [0, 1], [0, 3]])
    assert fitted(scores, np.array([1, 0, 0, -1])) == pytest.approx(fitted(scores[:3], np.array([1, 0, 0])))


def test_expected_calibration_error() -> None:
    told = np.array([[0.1, 0.9], [0.08, 0.92], [0.4, 0.6], [0.3, 0.7]])
    # Of 0.9 and 0.92 (one bin) one is right, of 0.6 none, of 0.7 one: |1 - 1.82|, |0 - 0.6| and |1 - 0.7|, over 4.
    true = np.array([1, 0, 0, 1])
    assert calibration_error(true, told) == pytest.approx((0.82 + 0.6 + 0.3) / 4)
    assert calibration_error(true, told, np.array([1, 0, 0, 0])) == pytest.approx(0.1)


SPEC = """
name: cancer
layers: [{dense: {units: 64, activation: relu}}, {dense: {units: %d, activation: %s, name: benign}}]
data:
  source: {sklearn: breast_cancer}
  inputs: {cells: {columns: [mean_texture, mean_smoothness, mean_symmetry], prepare: [normalization]}}
  targets: {benign: {column: target}}
  split: {validation: 0.3, test: 0.3}
train: {loss: %s, calibration: temperature, threshold: f1, epochs: 60, keep: last, optimizer: {adam: 0.1}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (1, "sigmoid", "binary_crossentropy"),
        (2, "linear", "{sparse_categorical_crossentropy: {from_logits: true}}"),
        (2, "softmax", "sparse_categorical_crossentropy"),
    ],
)
def test_it_is_part_of_the_saved_model(units: int, activation: str, loss: str, tmp_path: Path) -> None:
    text = SPEC % (units, activation, loss)
    text = text if units == 1 else text.replace("threshold: f1, ", "")
    (tmp_path / "plain").mkdir()
    report = sample_runs.train(tmp_path, text)
    plain = sample_runs.train(tmp_path / "plain", text.replace("calibration: temperature, ", ""))
    facts = json.loads((report.folder / "report.json").read_text(encoding="utf-8"))
    temperature = facts["method_facts"]["benign_temperature"]["value"]
    saved, before = (open_run(Run(one.folder), allow_outside=True) for one in (report, plain))
    for mine, other in zip(saved.model.get_weights()[-2:], before.model.get_weights()[-2:], strict=True):
        assert mine == pytest.approx(other / temperature, rel=1e-5)
    rows: list[dict[str, Any]] = list(
        csv.DictReader((report.folder / "metrics.csv").read_text(encoding="utf-8").splitlines())
    )
    measured = evaluate(saved)["metrics"]["validation"]["loss"]
    assert measured == pytest.approx(facts["metrics"]["validation"]["loss"], rel=1e-5)
    assert temperature > 1.5 and measured < float(rows[-1]["val_loss"]) - 0.01  # sixty epochs make it too sure
    for run, end in ((before, "_before"), (saved, "")):
        ((_, examples),) = own_examples(run, ("validation",))
        given = np.asarray(run.model(examples.inputs["cells"])).reshape(examples.count, -1).astype("float64")
        told = np.concatenate([1 - given, given], axis=1) if units == 1 else given
        told = shares(told) if activation == "linear" else told
        error = calibration_error(examples.targets["benign"].reshape(-1).astype(int), told)
        assert facts["method_facts"][f"benign_calibration_error{end}"]["value"] == pytest.approx(error, rel=1e-3)
