"""`weight` of `data`: examples count by a column in training, measures, report and `evaluate`, as in scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import sample_runs
from sklearn import metrics

from dlspec.core.errors import SpecError
from dlspec.training.evaluate import evaluate
from dlspec.training.importance import importance
from dlspec.training.saved import open_run
from dlspec.views.pages.index import Run

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

COUNT = 120
SPEC = """
name: weighed
layers: [{dense: {units: 1, activation: sigmoid, kernel_initializer: zeros, name: bought}}]
data:
  source: {csv: shop.csv}
  inputs: {numbers: {columns: [a, b]}}
  targets: {bought: {column: bought, classes: ["no", "yes"], class_weights: {"yes": 3}}}
  weight: times
  split: {by: {column: part}}
  batch_size: 1000
train: {loss: binary_crossentropy, optimizer: {sgd: 0.5}, metrics: [accuracy, auc, f1_score: macro], epochs: 1,
        threshold: {cost: {false_no: 2}}}
"""
NUMBERS = """
name: weighed_numbers
layers: [{dense: {units: 2, kernel_initializer: zeros, name: b}}]
data:
  source: {csv: shop.csv}
  inputs: {numbers: {columns: [a]}}
  targets: {b: {columns: [b, a], prepare: [normalization]}}
  weight: times
  split: {by: {column: part}}
train: {loss: mse, optimizer: {adam: 0.1}, metrics: [mae, r2_score], epochs: 2}
"""


LEARNERS = """
name: weighed_learners
inputs: {numbers: [2]}
layers:
  - dense: {units: 1, activation: sigmoid, kernel_initializer: zeros, name: bought}
  - dense: {from: numbers, units: 1, use_bias: false, kernel_initializer: ones, name: sum}
  - ops.square: {name: power}
  - ops.abs: {from: numbers, name: size}
outputs: bought
data:
  source: {csv: shop.csv}
  inputs: {numbers: {columns: [a, b]}}
  targets: {bought: {column: bought, classes: ["no", "yes"], class_weights: {"yes": 3}}}
  weight: times
  split: {by: {column: part}}
  batch_size: 1000
train:
  optimizer: {sgd: 0.5}
  learners:
    buyer: {trains: bought, loss: {bought: binary_crossentropy}}
    adder: {trains: sum, minimize: {power: 0.1}}
  metrics: {bought: [accuracy], size: [mean]}
  epochs: 1
"""


def _table(folder: Path) -> dict[str, Any]:
    chance = np.random.default_rng(3)
    rows: dict[str, Any] = {"a": chance.normal(size=COUNT).round(3), "b": chance.normal(size=COUNT).round(3)}
    rows["bought"] = np.where(rows["a"] + chance.normal(size=COUNT) > 0.5, "yes", "no")
    rows["times"] = chance.choice([0, 0.25, 0.5, 1, 4], COUNT)
    rows["part"] = np.array(["train", "train", "validation", "test"] * (COUNT // 4))
    lines = [",".join(rows), *(",".join(map(str, row)) for row in zip(*rows.values(), strict=True))]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return rows


def _of(rows: dict[str, Any], part: str) -> tuple[Any, Any, Any]:
    """Inputs, whether it was bought, and weights."""
    chosen = rows["part"] == part
    return np.stack([rows["a"], rows["b"]], 1)[chosen], rows["bought"][chosen] == "yes", rows["times"][chosen]


def test_a_step_and_all_measures_are_numpys(tmp_path: Path) -> None:
    rows = _table(tmp_path)
    report = sample_runs.train(tmp_path, SPEC)
    facts = json.loads((report.folder / "report.json").read_text(encoding="utf-8"))
    saved = open_run(Run(report.folder), allow_outside=True)
    x, y, w = _of(rows, "train")
    share = w * np.where(y, 3.0, 1.0)  # times the weight of the class
    wanted = 0.5 * (share * (y - 0.5)) @ x / len(x)
    kernel, bias = (np.asarray(one) for one in saved.model.trainable_variables)
    assert kernel[:, 0] == pytest.approx(wanted, rel=1e-5)
    assert bias[0] == pytest.approx(0.5 * (share * (y - 0.5)).sum() / len(x), rel=1e-5)
    again = evaluate(saved)
    (threshold,) = facts["thresholds"].values()
    for part in ("validation", "test"):
        x, y, w = _of(rows, part)
        scores = 1 / (1 + np.exp(-(x @ kernel[:, 0] + bias[0])))
        losses = np.where(y, -np.log(scores), -np.log(1 - scores))
        for found in (facts["metrics"][part], again["metrics"][part]):
            assert found["loss"] == pytest.approx((w * losses).mean(), rel=1e-5)  # classes weigh in training alone
            assert found["accuracy"] == pytest.approx(_right(y, scores > threshold, w), rel=1e-5)
            assert found["auc"] == pytest.approx(metrics.roc_auc_score(y, scores, sample_weight=w), rel=1e-5)
        whole = again["outputs"][part]["bought"]
        assert whole["accuracy"] == pytest.approx(_right(y, scores > threshold, w), rel=1e-6)
        assert whole["auc"] == pytest.approx(metrics.roc_auc_score(y, scores, sample_weight=w))
        matrix = metrics.confusion_matrix(y, scores > threshold, sample_weight=w)
        assert np.array(whole["confusion"]) == pytest.approx(matrix)
        usual = np.average(_of(rows, "train")[1], weights=_of(rows, "train")[2]) > 0.5
        assert whole["baseline"]["accuracy"] == pytest.approx(_right(y, np.full(len(y), usual), w))
    assert facts["results"]["outputs"]["bought"]["confusion"] == whole["confusion"]
    x, y, w = _of(rows, "validation")
    scores = 1 / (1 + np.exp(-(x @ kernel[:, 0] + bias[0])))
    cuts = [-1, *np.sort(scores), 1]
    costs = [w[(scores > cut) & ~y].sum() + 2 * w[(scores <= cut) & y].sum() for cut in cuts]
    assert w[(scores > threshold) & ~y].sum() + 2 * w[(scores <= threshold) & y].sum() == pytest.approx(min(costs))
    with pytest.raises(SpecError, match="have no column `times`"):
        _ = evaluate(saved, _new(tmp_path, rows, ("a", "b", "bought")))
    new = evaluate(saved, _new(tmp_path, rows, ("a", "b", "bought", "times")))
    assert new["outputs"]["new.csv"]["bought"]["examples"] == COUNT
    found = importance(saved, repeats=2)
    assert found["loss"] == pytest.approx(facts["metrics"]["test"]["loss"], rel=1e-5)


def _right(true: Any, guess: Any, weights: Any) -> float:
    return float(metrics.accuracy_score(true, guess, sample_weight=weights))


def _new(folder: Path, rows: dict[str, Any], names: tuple[str, ...]) -> Path:
    lines = [",".join(names), *(",".join(map(str, row)) for row in zip(*(rows[name] for name in names), strict=True))]
    (folder / "new.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "new.csv"


def test_numbers_in_units_of_their_own(tmp_path: Path) -> None:
    rows = _table(tmp_path)
    report = sample_runs.train(tmp_path, NUMBERS)
    facts = json.loads((report.folder / "report.json").read_text(encoding="utf-8"))
    saved = open_run(Run(report.folder), allow_outside=True)
    chosen = rows["part"] == "test"
    true, w = np.stack([rows["b"], rows["a"]], 1)[chosen], rows["times"][chosen]
    guess = np.asarray(saved.model(rows["a"][chosen].astype("float32")[:, None]))
    found = facts["results"]["outputs"]["b"]
    assert found["r2"] == pytest.approx(metrics.r2_score(true, guess, sample_weight=w), rel=1e-5)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(true, guess, sample_weight=w), rel=1e-5)
    squares = metrics.mean_squared_error(true, guess, sample_weight=w)
    assert found["rmse"] == pytest.approx(squares**0.5, rel=1e-5)
    assert facts["metrics"]["test"]["mae"] == pytest.approx(found["mae"], rel=1e-5)
    assert facts["metrics"]["test"]["r2_score"] == pytest.approx(found["r2"], rel=1e-4)
    keras.backend.clear_session()


def test_what_learners_minimise_weighs_as_numpy_says(tmp_path: Path) -> None:
    rows = _table(tmp_path)
    report = sample_runs.train(tmp_path, LEARNERS)
    facts = json.loads((report.folder / "report.json").read_text(encoding="utf-8"))
    saved = open_run(Run(report.folder), allow_outside=True)
    whole = {variable.path: np.asarray(variable) for variable in saved.whole.trainable_variables}
    kernel, bias, adding = whole["bought/kernel"], whole["bought/bias"], whole["sum/kernel"][:, 0]
    x, y, w = _of(rows, "train")
    share = w * np.where(y, 3.0, 1.0)  # times the weight of the class
    assert kernel[:, 0] == pytest.approx(0.5 * (share * (y - 0.5)) @ x / len(x), rel=1e-5)
    assert adding == pytest.approx(1 - 0.5 * 0.1 * (w * 2 * x.sum(axis=1)) @ x / len(x), rel=1e-5)
    again = evaluate(saved)
    for part in ("validation", "test"):
        x, y, w = _of(rows, part)
        scores = 1 / (1 + np.exp(-(x @ kernel[:, 0] + bias[0])))
        losses = np.where(y, -np.log(scores), -np.log(1 - scores))
        for found in (facts["metrics"][part], again["metrics"][part]):
            assert found["bought_loss"] == pytest.approx((w * losses).mean(), rel=1e-5)
            assert found["bought_accuracy"] == pytest.approx(_right(y, scores > 0.5, w), rel=1e-5)
            assert found["power"] == pytest.approx((w * (x @ adding) ** 2).mean(), rel=1e-5)
            assert found["adder_loss"] == pytest.approx(0.1 * (w * (x @ adding) ** 2).mean(), rel=1e-5)
            assert found["size"] == pytest.approx(w @ np.abs(x).mean(axis=1) / w.sum(), rel=1e-5)


def test_examples_weigh_where_nothing_has_a_target(tmp_path: Path) -> None:
    rows = _table(tmp_path)
    lines = [line for line in LEARNERS.splitlines() if "bought" not in line]
    text = "\n".join(lines).replace(
        "  learners:\n    adder: {trains: sum, minimize: {power: 0.1}}", "  minimize: power"
    )
    text = text.replace("outputs: bought", "").replace("  - dense: {from: numbers, units: 1", "  - dense: {units: 1")
    report = sample_runs.train(
        tmp_path, text.replace("data:\n", "outputs: sum\ndata:\n") + "\n  metrics: {size: [mean]}\n"
    )
    saved = open_run(Run(report.folder), allow_outside=True)
    (kernel,) = (np.asarray(variable)[:, 0] for variable in saved.whole.trainable_variables)
    x, _, w = _of(rows, "train")
    assert kernel == pytest.approx(1 - 0.5 * (w * 2 * x.sum(axis=1)) @ x / len(x), rel=1e-5)
    x, _, w = _of(rows, "test")
    assert evaluate(saved)["metrics"]["test"]["power"] == pytest.approx((w * (x @ kernel) ** 2).mean(), rel=1e-5)
    beside = evaluate(saved, path=tmp_path / "shop.csv")["metrics"]["shop.csv"]
    every = np.stack([rows["a"], rows["b"]], 1)
    assert beside["power"] == pytest.approx((rows["times"] * (every @ kernel) ** 2).mean(), rel=1e-5)
