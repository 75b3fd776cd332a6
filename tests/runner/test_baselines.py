"""Baselines of a training: their figures against scikit-learn's, kept and measured again, and where there are none."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, precision_score, roc_auc_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.killing import epochs_are_there, kill_when
from tests.studies.test_studies import cli

WORDS = ("red", "green", "blue", "grey", "black")
MIXED = """
name: mixed
inputs: {size: [2], colour: {shape: [], dtype: int64}, text: {shape: [6], dtype: int64}}
layers:
  - embedding: {from: colour, input_dim: 8, output_dim: 2, name: of_colour}
  - embedding: {from: text, input_dim: 20, output_dim: 2}
  - global_average_pooling1d: {name: of_text}
  - concatenate: {from: [size, of_colour, of_text], name: all}
  - dense: {units: 1, name: price}
  - dense: {from: all, units: 3, activation: softmax, name: kind}
outputs: [price, kind]
data:
  source: {csv: goods.csv}
  inputs:
    size: {columns: [width, height], prepare: [normalization]}
    colour: {column: colour, prepare: [string_lookup]}
    text: {column: text, prepare: [{text_vectorization: {max_tokens: 20, output_sequence_length: 6}}]}
  targets: {price: {column: price, prepare: [log1p, normalization]}, kind: kind}
  split: {validation: 0.2, test: 0.25}
  weight: times
train:
  loss: {price: mse, kind: sparse_categorical_crossentropy}
  metrics: {price: [mae], kind: [accuracy]}
  optimizer: {adam: 1e-2}
  epochs: 2
  baselines: true
"""
CANCER = """
name: cancer
inputs: {x: [30]}
layers: [dense: {units: 1, name: benign}]
data: {source: {sklearn: breast_cancer}, inputs: {x: data}, targets: {benign: target}, split: {test: 0.3}}
train:
  loss: {binary_crossentropy: {from_logits: true}}
  metrics: [accuracy, auc, precision, {auc: {num_thresholds: 50, name: coarse}}]
  epochs: 1
  baselines: true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of both specs, a copy of the gallery's with pictures, and a table with words and texts."""
    folder = tmp_path_factory.mktemp("baselines")
    chance = np.random.default_rng(3)
    with (folder / "goods.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["width", "height", "colour", "text", "kind", "price", "times"])
        for _ in range(200):
            width, height, colour = chance.uniform(1, 9), chance.uniform(1, 9), chance.choice(WORDS[:4])
            text = " ".join(chance.choice(WORDS, chance.integers(1, 6)))
            kind = ("small", "large", "odd")[int(width + text.count("blue") > 6) + (height > 7)]
            price = np.exp(width / 3 + WORDS.index(colour) / 2 + text.count("red") + chance.normal() / 5)
            table.writerow([f"{width:.3f}", f"{height:.3f}", colour, text, kind, f"{price:.3f}", chance.integers(1, 4)])
    for name, text in (("mixed", MIXED), ("cancer", CANCER)):
        (folder / f"{name}.yaml").write_text(text)
        code, out, err = cli("train", str(folder / f"{name}.yaml"), "--run", str(folder / name), "-q")
        assert code == 0, out + err
        (folder / f"{name}.txt").write_text(out)
    return folder


def report_of(run: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((run / "report.json").read_text())
    return report


def examples_of(run: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any], Any]]:
    """Prepared inputs, targets as they stand in the data, and weights, by part."""
    from dlspec.training.evaluate import own_examples
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    saved = open_run(Run(run), allow_outside=True)
    parts = own_examples(saved, ("train", "validation", "test"))
    return {name: (saved.entering_core(part.inputs), part.targets, part.weights) for name, part in parts}


def measured(report: dict[str, Any], name: str) -> Any:
    return report["baselines"]["measured"][name]["metrics"]


def columns_of(inputs: dict[str, Any]) -> Any:
    """Numbers as they are, each colour a column, each word a column that counts it."""
    colours = np.asarray(inputs["colour"]).reshape(-1, 1) == np.arange(5)
    counts = np.stack([(np.asarray(inputs["text"]) == index).sum(axis=1) for index in range(1, 7)], axis=1)
    return np.hstack([np.asarray(inputs["size"], np.float64), colours, counts])


@pytest.mark.slow
def test_several_outputs_words_texts_and_weights_are_those_of_scikit_learn(folder: Path) -> None:
    """A target that is prepared is learnt and measured in the units of the data; its loss compares prepared ones."""
    report, parts = report_of(folder / "mixed"), examples_of(folder / "mixed")
    inputs, targets, weights = parts["train"]
    columns = columns_of(inputs)
    price, kind = np.asarray(targets["price"], np.float64).reshape(-1), np.asarray(targets["kind"]).reshape(-1)
    scaler = StandardScaler().fit(columns, sample_weight=weights)
    logs = StandardScaler().fit(np.log1p(price)[:, None])  # Keras measures the target whatever examples weigh
    ridge = Ridge(alpha=1.0).fit(scaler.transform(columns), np.log1p(price), sample_weight=weights)
    classes = RidgeClassifier(alpha=1.0).fit(scaler.transform(columns), kind, sample_weight=weights)
    means = np.stack(
        [np.average(scaler.transform(columns)[kind == k], axis=0, weights=weights[kind == k]) for k in range(3)]
    )
    mean = DummyRegressor().fit(columns, price, sample_weight=weights)
    prior = DummyClassifier(strategy="prior").fit(columns, kind, sample_weight=weights)
    for part, (inputs, targets, weights) in parts.items():
        x, true = columns_of(inputs), np.asarray(targets["kind"]).reshape(-1)
        z, y = scaler.transform(x), np.asarray(targets["price"], np.float64).reshape(-1)
        linear, nearest, always = (measured(report, name)[part] for name in ("linear", "nearest_mean", "always"))

        def absolute(guess: Any, y: Any = y, weights: Any = weights) -> Any:
            return pytest.approx(mean_absolute_error(y, guess, sample_weight=weights), rel=1e-4)

        def right(guess: Any, true: Any = true, weights: Any = weights) -> Any:
            return pytest.approx(accuracy_score(true, guess, sample_weight=weights), abs=1e-6)

        assert linear["price_mae"] == absolute(np.expm1(ridge.predict(z)))
        assert linear["kind_accuracy"] == right(classes.predict(z))
        assert nearest == {"kind_accuracy": right(((z[:, None] - means) ** 2).sum(axis=2).argmin(axis=1))}
        assert always["price_mae"] == absolute(mean.predict(x))
        assert always["kind_accuracy"] == right(prior.predict(x))
        entropy = log_loss(true, prior.predict_proba(x), sample_weight=weights, labels=[0, 1, 2])
        # Keras divides the loss of a batch by its examples, and not by their weights.
        assert always["kind_loss"] == pytest.approx(entropy * weights.mean(), rel=1e-4)
        apart = (np.log1p(y) - ridge.predict(z)) ** 2 / logs.var_[0]
        assert linear["price_loss"] == pytest.approx((apart * weights).mean(), rel=1e-4)
        assert {"price_loss", "price_mae", "kind_accuracy"} == set(linear)
        assert always["loss"] == pytest.approx(always["price_loss"] + always["kind_loss"], rel=1e-4)


@pytest.mark.slow
def test_yes_or_no_from_logits_is_that_of_scikit_learn(folder: Path) -> None:
    """The area under the curve, too; a curve over given thresholds would need probabilities."""
    report, parts = report_of(folder / "cancer"), examples_of(folder / "cancer")
    x, y = np.asarray(parts["train"][0]["x"], np.float64), np.asarray(parts["train"][1]["benign"]).reshape(-1)
    ridge = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1.0)).fit(x, y)
    nearest = make_pipeline(StandardScaler(), NearestCentroid()).fit(x, y)
    prior = DummyClassifier(strategy="prior").fit(x, y)
    for part, (inputs, targets, _) in parts.items():
        x, y = np.asarray(inputs["x"], np.float64), np.asarray(targets["benign"]).reshape(-1)
        assert measured(report, "linear")[part] == {
            "accuracy": pytest.approx(ridge.score(x, y)),
            "auc": pytest.approx(roc_auc_score(y, ridge.decision_function(x)), abs=1e-6),
            "precision": pytest.approx(precision_score(y, ridge.predict(x))),
        }
        assert measured(report, "nearest_mean")[part]["accuracy"] == pytest.approx(nearest.score(x, y))
        always = measured(report, "always")[part]
        assert always["loss"] == pytest.approx(log_loss(y, prior.predict_proba(x)), rel=1e-5)
        assert always["coarse"] == pytest.approx(0.5)


@pytest.mark.slow
def test_table_verdict_and_page_have_the_same_figures(folder: Path) -> None:
    report, table = report_of(folder / "cancer"), (folder / "cancer.txt").read_text()
    linear = measured(report, "linear")["test"]
    assert report["results"]["outputs"]["benign"]["linear"]["accuracy"] == pytest.approx(linear["accuracy"])
    rows = [line.split() for line in table.splitlines()]
    assert ["baselines,", "test", "loss", "accuracy", "auc", "precision", "coarse"] in rows
    figures = [f"{linear[name]:.4g}" for name in ("accuracy", "auc", "precision")]
    assert ["linear", "model", "–", *figures, "–"] in rows
    assert "always 1 " in table and f"{linear['auc']:.4g}" in (folder / "cancer" / "report.html").read_text()
    code, out, _ = cli("runs", "show", str(folder / "cancer"))
    assert code == 0 and f"linear model, test accuracy  {figures[0]}" in " ".join(out.split(" ")).replace("   ", "  ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed", "cancer"])
def test_evaluate_measures_them_again(folder: Path, name: str) -> None:
    code, out, err = cli("evaluate", str(folder / name), "--format", "json", "--allow-outside")
    assert code == 0, err
    again = json.loads(out)["baselines"]
    kept = report_of(folder / name)["baselines"]
    assert again["reasons"] == kept["reasons"] and again["measured"].keys() == kept["measured"].keys()
    for key, figures in kept["measured"].items():
        for part, values in figures["metrics"].items():
            assert again["measured"][key]["metrics"][part] == pytest.approx(values, rel=1e-5), (key, part)
    code, out, _ = cli("evaluate", str(folder / name), "--part", "test", "--allow-outside")
    assert code == 0 and "baselines, test" in out


@pytest.mark.slow
def test_a_run_that_was_killed_has_the_same(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cancer.yaml").write_text(CANCER.replace("epochs: 1", "epochs: 40\n  checkpoint: 0"))
    train = ("train", str(tmp_path / "cancer.yaml"), "--run", str(tmp_path / "run"), "-q")
    kill_when(epochs_are_there(tmp_path / "run", 1), *train)
    assert not (tmp_path / "run" / "report.json").exists()
    code, out, err = cli(*train)
    assert code == 0 and "kept epoch" in out, err
    assert measured(report_of(tmp_path / "run"), "linear") == measured(report_of(folder / "cancer"), "linear")


@pytest.mark.slow
def test_members_of_a_study_have_none(folder: Path) -> None:
    """They stand beside the model that is kept, and beside the members only where one of these is kept."""
    for study, members in (("{k_fold: 2}", False), ("{seeds: 2}", True)):
        runs = folder / f"runs_{members}"
        code, out, err = cli(
            "train", str(folder / "cancer.yaml"), "--runs", str(runs), "-q", "--set", f"train.method={study}"
        )
        assert code == 0, out + err
        reports = [report_of(path.parent) for path in sorted(runs.glob("cancer/study*/members/*/report.json"))]
        assert reports and {("baselines" in report) for report in reports} == {members}
        kept = runs.glob("cancer/*/report.json")
        assert [("baselines" in report_of(path.parent)) for path in kept] == [True]


def test_a_project_refuses_them(tmp_path: Path) -> None:
    (tmp_path / "cancer.yaml").write_text(CANCER)
    code, out, err = cli("export", str(tmp_path / "cancer.yaml"), "--project", str(tmp_path / "project"))
    assert code == 1 and "error[E705]: `export --project` does not support `baselines`" in out + err
