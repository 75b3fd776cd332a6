"""Thresholds that are chosen on the validation split: the best of all cuts, and the same wherever yes is told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import sample_runs
from sklearn import metrics

from dlspec.components.training.decisions import ALWAYS_NO, ALWAYS_YES, F1, Cost, Decision, Youden


def _f1(true: Any, yes: Any) -> float:
    return float(metrics.f1_score(true, yes))


def _youden(true: Any, yes: Any) -> float:
    return float(metrics.balanced_accuracy_score(true, yes))


def _cost(true: Any, yes: Any) -> float:
    (_, wrong), (missed, _) = metrics.confusion_matrix(true, yes)
    return -float(wrong + 7 * missed)


@pytest.mark.parametrize(("decision", "worth"), [(F1(), _f1), (Youden(), _youden), (Cost(false_no=7.0), _cost)])
@pytest.mark.parametrize("seed", range(5))
def test_no_other_cut_is_better(decision: Decision, worth: Any, seed: int) -> None:
    chance = np.random.default_rng(seed)
    true = chance.random(80) < 0.2
    scores = np.round(chance.normal(true * 1.0, 1), 1).astype("float32")  # many are equal
    threshold = decision.threshold(true, scores)
    assert threshold is not None
    between = (np.unique(scores)[1:] + np.unique(scores)[:-1]) / 2
    cuts = [scores.min() - 1, *between, scores.max() + 1]
    best = max(worth(true, scores > cut) for cut in cuts)
    assert worth(true, scores > threshold) == pytest.approx(best)


def test_without_a_yes_nothing_is_chosen() -> None:
    assert F1().threshold(np.zeros(4, bool), np.arange(4.0)) is None
    assert F1().threshold(np.ones(4, bool), np.arange(4.0)) is None


def test_a_cost_may_call_for_one_answer_only() -> None:
    true, scores = np.array([False, True, False, True, False]), np.array([0.9, 0.8, 0.3, 0.2, 0.1], "float32")
    # Cuts from above cost, with 10 for a missed yes: 20, 21, 11, 12, 2, 3; with 10 for a wrong one: 2, 12, …
    assert Cost(false_no=10.0).threshold(true, scores) == pytest.approx(0.15)
    assert Cost(false_no=10.0).threshold(np.array([False, True, False, False, True]), scores) == ALWAYS_YES
    assert Cost(false_yes=10.0).threshold(true, scores) == ALWAYS_NO
    assert Cost(false_no=10.0).threshold(true, np.ones(5, "float32")) == ALWAYS_YES
    assert (scores > np.float32(ALWAYS_YES)).all() and not (scores > np.float32(ALWAYS_NO)).any()


def test_no_cut_between_scores_that_are_printed_alike() -> None:
    true = np.array([False, False, True, True])
    assert F1().threshold(true, np.array([0.2, 0.30000001, 0.30000004, 0.4], "float32")) == pytest.approx(0.25)
    close = np.array([0.2, 0.30000001, 0.3000021, 0.4], "float32")
    threshold = F1().threshold(true, close)
    assert threshold is not None
    printed = np.array([float(f"{score:.7g}") for score in close])
    assert (printed > threshold).tolist() == (close > np.float32(threshold)).tolist() == true.tolist()


SPEC = """
name: cancer
layers: [{dense: {units: 1, activation: %s, name: benign}}]
data:
  source: {sklearn: breast_cancer}
  inputs: {cells: {columns: [mean_texture, mean_smoothness], prepare: [normalization]}}
  targets: {benign: target}
  split: {validation: 0.3, test: 0.3}
train: {loss: %s, threshold: {cost: {false_yes: 4}}, metrics: [accuracy, auc], epochs: 3, optimizer: {adam: 0.1}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "loss"),
    [("sigmoid", "binary_crossentropy"), ("linear", "{binary_crossentropy: {from_logits: true}}"), ("tanh", "hinge")],
)
def test_it_holds_in_the_report_evaluate_and_predict(activation: str, loss: str, tmp_path: Path) -> None:
    from dlspec.training.evaluate import evaluate
    from dlspec.training.predict import predict
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    report = sample_runs.train(tmp_path, SPEC % (activation, loss))
    keras.backend.clear_session()
    facts = json.loads((report.folder / "report.json").read_text(encoding="utf-8"))
    (threshold,) = facts["thresholds"].values()
    assert threshold != (0.5 if activation == "sigmoid" else 0)
    found = facts["results"]["outputs"]["benign"]
    assert found["threshold"] == threshold
    assert f"above {threshold:.4g}" in facts["results"]["verdicts"][0]["sentence"]
    assert facts["metrics"]["test"]["accuracy"] == pytest.approx(found["accuracy"], rel=1e-6)
    assert facts["metrics"]["test"]["auc"] == pytest.approx(found["auc"], rel=1e-6)
    saved = open_run(Run(report.folder), allow_outside=True)
    again = evaluate(saved)
    for part in ("validation", "test"):
        assert again["metrics"][part]["accuracy"] == pytest.approx(facts["metrics"][part]["accuracy"], rel=1e-6)
    rows = [[15.0, 0.1], [25.0, 0.09], [18.0, 0.12], [20.5, 0.1], [19.0, 0.11]]
    text = "\n".join(["mean_texture,mean_smoothness", *(",".join(map(str, row)) for row in rows)])
    (tmp_path / "new.csv").write_text(text + "\n", encoding="utf-8")
    answers = [row["benign"] for piece in predict(saved, tmp_path / "new.csv") for row in piece.objects()]
    scores = np.asarray(saved.model(np.array(rows, "float32")))[:, 0]
    assert answers == [str(int(score > threshold)) for score in scores]
