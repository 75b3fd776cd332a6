"""Specs of classes in an order: trained, killed, searched and exported, and what `check` says of those that mislead."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.crash.results import different, results
from tests.killing import epochs_are_there, kill_when
from tests.support import as_documented, compile_text, dlspec, problems

CLASSES = ["poor", "fair", "good", "great"]
SPEC = """
name: survey
params: {width: 8}
layers:
  - dense: {units: $width, activation: relu}
  - dense: 1
  - ordinal: 4
data:
  source: {csv: survey.csv}
  inputs: {answers: {columns: [age, income], missing: median, prepare: [normalization]}}
  targets: {health: {column: health, classes: [poor, fair, good, great], class_weights: balanced}}
  split: {validation: 0.2, test: 0.2, by: stratified}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy, rank_error, {cohen_kappa: quadratic}]
  optimizer: {adam: {learning_rate: 0.02}}
  epochs: 5
"""
FORMATS = {"keras": "m.keras", "onnx": "m.onnx", "litert": "m.tflite", "savedmodel": "m"}


def survey(folder: Path) -> None:
    """400 people whose health falls with their age and rises with their income."""
    chance = np.random.default_rng(3)
    age, income = chance.integers(18, 90, 400), chance.gamma(3, 12, 400).round(1)
    score = (50 - age) / 12 + income / 20 + chance.logistic(0, 0.4, 400)
    places = np.digitize(score, np.quantile(score, [0.2, 0.5, 0.8]))
    rows = [[1000 + row, age[row], income[row], CLASSES[place]] for row, place in enumerate(places.tolist())]
    with (folder / "survey.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["person", "age", "income", "health"], *rows])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of the spec."""
    folder = tmp_path_factory.mktemp("ordinal")
    survey(folder)
    (folder / "survey.yaml").write_text(SPEC)
    assert run(["train", str(folder / "survey.yaml"), "--runs", str(folder / "runs"), "--quiet"]) == 0
    return folder


def report_of(folder: Path) -> Any:
    return json.loads(next((folder / "runs" / "survey").glob("2*/report.json")).read_text())


def test_what_it_learns_is_told_in_the_report_and_by_evaluate(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = report_of(trained)
    assert told["metrics"]["test"]["cohen_kappa"] > 0.6 and told["metrics"]["test"]["rank_error"] < 0.8
    assert [row["name"] for row in told["results"]["outputs"]["ordinal"]["classes"]] == CLASSES
    capsys.readouterr()
    assert run(["evaluate", "survey", "--runs", str(trained / "runs"), "--allow-outside", "--format", "json"]) == 0
    found = as_documented("output/evaluate", capsys.readouterr().out)
    assert found["metrics"]["test"] == pytest.approx(told["metrics"]["test"], rel=1e-5)


def test_the_older_the_worse_and_a_gap_is_answered(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (trained / "new.csv").write_text("income,note,age,person\n40,x,20,1\n40,x,50,2\n40,x,88,3\n,x,50,4\n")
    capsys.readouterr()
    command = ["predict", "survey", str(trained / "new.csv"), "--runs", str(trained / "runs"), "--keep", "person"]
    assert run([*command, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    places = [CLASSES.index(row["health"]) for row in rows[:3]]
    assert places == sorted(places, reverse=True) and places[0] > places[2] and rows[3]["health"] in CLASSES
    assert [int(row["person"]) for row in rows] == [1, 2, 3, 4]
    assert all(sum(row["health probabilities"].values()) == pytest.approx(1, abs=1e-4) for row in rows)


@pytest.mark.slow
def test_a_killed_training_ends_as_an_undisturbed_one(trained: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    train = ("train", str(trained / "survey.yaml"), "--run", str(killed), "-q")
    kill_when(epochs_are_there(killed, 2), *train)
    done = dlspec(*train)
    assert done.returncode == 0, done.stderr
    whole = next((trained / "runs" / "survey").glob("2*"))
    assert not different(results(killed), results(whole))


@pytest.mark.slow
def test_a_search_finds_its_measures(trained: Path) -> None:
    text = SPEC.replace("name: survey", "name: search").replace("epochs: 5", "epochs: 2")
    text = text.replace("{width: 8}", "{width: {choice: [4, 8]}}")
    (trained / "search.yaml").write_text(text + "tune: {objective: val_cohen_kappa, algorithm: grid}\n")
    done = dlspec("tune", str(trained / "search.yaml"), "--runs", str(trained / "runs"), "--quiet")
    assert done.returncode == 0, done.stderr
    found = json.loads(next((trained / "runs" / "search").glob("search*/search.json")).read_text())
    assert [trial["status"] for trial in found["trials"]] == ["completed", "completed"]
    best = max(found["trials"], key=lambda trial: trial["score"])
    assert found["direction"] == "max" and found["best"] == best["number"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_exported_models_answer_alike(trained: Path, tmp_path: Path, kind: str) -> None:
    """`export` loads what it writes, and compares it with Keras before it puts it in place."""
    folder = next((trained / "runs" / "survey").glob("2*"))
    target = tmp_path / FORMATS[kind]
    assert run(["export", str(folder), "--to", kind, "-o", str(target)]) == 0
    assert target.exists()


@pytest.mark.slow
def test_the_exported_project_trains_to_the_same_figures(trained: Path, tmp_path: Path) -> None:
    assert run(["export", str(trained / "survey.yaml"), "--project", str(tmp_path / "project")]) == 0
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path / "project", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("test "))
    figures = {key: float(value) for key, value in (part.split("=") for part in line.split()[1:])}
    assert figures == pytest.approx(report_of(trained)["metrics"]["test"], rel=2e-3)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("  epochs: 5", "  epochs: 5\n  calibration: temperature", "E503", "out of a last `dense`"),
        ("  epochs: 5", "  epochs: 5\n  threshold: f1", "E503", "gives no single yes or no"),
        ("ordinal: 4", "ordinal: 3", "E604", "target `health` has 4 classes, the output has 3"),
        ("ordinal: 4", "ordinal: 5", "W630", "`ordinal` has 5 classes, and target `health` has 4"),
        ("loss: sparse", "loss: {sparse", "W502", "takes raw scores, but `ordinal` gives probabilities"),
        ("ordinal: 4", "ordinal: 4\n  - activation: softmax", "W615", "but `ordinal` gives probabilities"),
        ("classes: [poor, fair, good, great], ", "", "W614", "`ordinal` takes the classes of `health` to be in order"),
    ],
)
def test_what_misleads_is_told(tmp_path: Path, old: str, new: str, code: str, said: str) -> None:
    survey(tmp_path)
    text = SPEC.replace(old, new)
    if code == "W502":
        text = text.replace("crossentropy\n", "crossentropy: {from_logits: true}}\n")
    found = compile_text(tmp_path, text).diagnostics.items
    assert [item.code for item in found] == [code] and said in found[0].message


@pytest.mark.parametrize(
    ("words", "metric", "warned"),
    [
        (["low", "middle", "top"], "rank_error", True),
        (["low", "middle", "top"], "{cohen_kappa: linear}", True),
        (["low", "middle", "top"], "cohen_kappa", False),
        (["low", "top"], "rank_error", False),
        (["1 star", "2 stars", "3 stars"], "rank_error", False),
        (["1 star", "10 stars", "2 stars"], "rank_error", True),
        (["A", "B", "C"], "rank_error", False),
    ],
)
def test_words_in_the_order_of_the_alphabet(tmp_path: Path, words: list[str], metric: str, warned: bool) -> None:
    rows = [f"{row % 7},{words[row % len(words)]}" for row in range(60)]
    (tmp_path / "grades.csv").write_text("\n".join(["x,grade", *rows]) + "\n")
    units = f"units: {len(words)}, activation: softmax"
    spec = f"""
layers: [{{dense: {{{units}}}}}]
data:
  source: {{csv: grades.csv}}
  inputs: {{x: {{columns: [x], prepare: [normalization]}}}}
  targets: {{grade: grade}}
train: {{loss: sparse_categorical_crossentropy, metrics: [{metric}]}}
"""
    codes = [code for code, _, _ in problems(compile_text(tmp_path, spec))]
    assert [code for code in codes if code == "W614"] == ["W614"] * warned
    assert not [code for code in codes if code.startswith("E")], codes


@pytest.mark.parametrize(
    ("labels", "last", "more", "warned"),
    [
        (["a", "b", "c"], "dense: {units: 4, activation: softmax}", "", True),
        (["a", "b", "c"], "dense: {units: 3, activation: softmax}", "", False),
        (["a", "b", "c"], "dense: {units: 4, activation: softmax}", ", classes: [a, b, c, d]", False),
        # Of classes that are numbers some may just not occur; behind an order, that is worth a word.
        ([0, 1, 2], "dense: {units: 4, activation: softmax}", "", False),
        ([0, 1, 2], "dense: 1}, {ordinal: 4", "", True),
        ([0, 1, 2], "dense: 1}, {ordinal: 3", "", False),
    ],
)
def test_classes_that_never_occur(tmp_path: Path, labels: list[object], last: str, more: str, warned: bool) -> None:
    rows = [f"{row % 7},{labels[row % len(labels)]}" for row in range(60)]
    (tmp_path / "grades.csv").write_text("\n".join(["x,grade", *rows]) + "\n")
    spec = f"""
layers: [{{{last}}}]
data:
  source: {{csv: grades.csv}}
  inputs: {{x: {{columns: [x], prepare: [normalization]}}}}
  targets: {{grade: {{column: grade{more}}}}}
train: {{loss: sparse_categorical_crossentropy}}
"""
    codes = [code for code, _, _ in problems(compile_text(tmp_path, spec))]
    assert ("W630" in codes) == warned and not [code for code in codes if code.startswith("E")], codes
