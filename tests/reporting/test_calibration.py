"""Temperature scaling: the best temperature, inside the saved model, with the errors before and after in the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sample_runs
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from dlspec.data.binding.tasks import CHOICE, PIXELS, YES_NO, Task
from dlspec.training.calibrating import fitted, shares
from dlspec.training.evaluate import evaluate, own_examples
from dlspec.training.saved import open_run
from dlspec.views.pages import plots
from dlspec.views.pages.class_scores import Classes
from dlspec.views.pages.index import Run
from dlspec.views.pages.reliability import calibration_error, reliability, words_about

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


def test_a_task_of_probabilities_has_a_diagram_as_scikit_learn_draws_it() -> None:
    chance = np.random.default_rng(5)
    shares_of_four = shares(3 * chance.normal(size=(500, 4)))
    true = np.array([chance.choice(4, p=share) for share in shares_of_four])
    score = Classes(Task("y", CHOICE, ("a", "b", "c", "d"), likelihood=True))
    for start in range(0, 500, 128):
        score.add(shares_of_four[start : start + 128], true[start : start + 128])
    found = score.facts()["reliability"]
    right = shares_of_four.argmax(axis=1) == true
    share, given = calibration_curve(right, shares_of_four.max(axis=1), n_bins=15)
    assert found["of"] == "likeliest"
    assert [row["share"] for row in found["bins"]] == pytest.approx(share)
    assert [row["probability"] for row in found["bins"]] == pytest.approx(given)
    assert sum(row["examples"] for row in found["bins"]) == 500
    assert all(row["interval"][0] <= row["share"] <= row["interval"][1] for row in found["bins"])
    # These probabilities are right.
    assert found["error"] < found["chance"] < 0.1
    yes = Classes(Task("y", YES_NO, ("no", "yes"), logits=True, likelihood=True))
    edges = np.array([-1e9, 0.0, 0.0, 1e9])  # of the bins: 0, 0.5, 0.5 and 1
    yes.add(edges[:, None], np.array([0, 0, 1, 1]))
    share, given = calibration_curve([0, 0, 1, 1], [0, 0.5, 0.5, 1], n_bins=15)
    assert [row["probability"] for row in yes.facts()["reliability"]["bins"]] == pytest.approx(given)
    assert [row["share"] for row in yes.facts()["reliability"]["bins"]] == pytest.approx(share)
    for task in (Task("y", CHOICE, ("a", "b")), Task("y", PIXELS, ("a", "b"), likelihood=True)):
        assert Classes(task).reliability is None


def test_weights_count_examples_several_times() -> None:
    chance = np.random.default_rng(6)
    given = shares(2 * chance.normal(size=(60, 3)))
    true, weights = chance.integers(0, 3, 60), chance.integers(0, 4, 60)
    mine, repeated = reliability(true, given, weights), reliability(true.repeat(weights), given.repeat(weights, axis=0))
    first, second = mine.figures(), repeated.figures()
    assert first is not None and second is not None and first["error"] == pytest.approx(second["error"])
    assert first["chance"] > second["chance"]  # examples that repeat others are not as sure as others
    for one, other in zip(first["bins"], second["bins"], strict=True):
        assert [one[key] for key in ("examples", "probability", "share")] == pytest.approx(
            [other[key] for key in ("examples", "probability", "share")]
        )


@pytest.mark.parametrize(
    ("scale", "shift", "expected"),
    [
        (1, 0, "can be taken at their word"),
        (3, 0, "surer than it is right"),
        (0.3, 0, "right more often than it says"),
        (1, 1.5, "gives yes too much in general"),
        (1, -1.5, "gives yes too little in general"),
    ],
)
def test_words_about_the_diagram(scale: float, shift: float, expected: str) -> None:
    chance = np.random.default_rng(8)
    logits = 2 * chance.normal(size=4000)
    true = (chance.random(4000) < 1 / (1 + np.exp(-logits))).astype(int)
    score = Classes(Task("y", YES_NO, ("no", "<b>yes</b>"), logits=True, likelihood=True))
    score.add((scale * logits + shift)[:, None], true)
    facts = score.facts()
    words = words_about(facts)
    assert expected in words
    assert ("calibration: temperature" in words) == (expected != "can be taken at their word")
    assert "`calibration" not in words_about(facts, weighted=True)
    drawn = plots.reliability(facts["reliability"], facts["classes"][1]["name"]).svg
    assert "<b>" not in drawn and "&lt;b&gt;" in drawn
    facts["reliability"]["before"] = facts["reliability"]
    assert "Before it was calibrated" in words_about(facts) and "`calibration" not in words_about(facts)
    assert "before calibration" in plots.reliability(facts["reliability"], "yes").svg


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
    found = facts["results"]["outputs"]["benign"]["reliability"]
    for run, end, diagram in ((before, "_before", found["before"]), (saved, "", found)):
        for part, examples in own_examples(run, ("validation", "test")):
            given = np.asarray(run.model(examples.inputs["cells"])).reshape(examples.count, -1).astype("float64")
            given = np.concatenate([1 - given, given], axis=1) if units == 1 else given
            given = shares(given) if activation == "linear" else given
            true = examples.targets["benign"].reshape(-1).astype(int)
            error = calibration_error(true, given)
            if part == "validation":
                value = facts["method_facts"][f"benign_calibration_error{end}"]["value"]
                assert value == pytest.approx(error, rel=1e-3)
                continue
            assert diagram["error"] == pytest.approx(error, rel=1e-3)
            share, mean = calibration_curve(true, given[:, 1], n_bins=15)
            assert [row["share"] for row in diagram["bins"]] == pytest.approx(share, rel=1e-6)
            assert [row["probability"] for row in diagram["bins"]] == pytest.approx(mean, rel=1e-4)
    page = (report.folder / "report.html").read_text(encoding="utf-8")
    assert "Reliability" in page and "Before it was calibrated" in page
