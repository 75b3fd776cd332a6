"""A graph of which only a part is saved, from training to what is asked of its run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.core.errors import Problem
from dlspec.export.python.module import emit_model
from dlspec.training.loop.wholes import WEIGHTS_FILE, whole_of
from dlspec.training.saved import open_run
from dlspec.views.pages.index import Run
from tests.emit.equality import compare, execute
from tests.support import as_documented, asked, compile_text, dlspec_here

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15 with numpy 2 warns about its own conversion of every weight.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SPEC = """
name: both
inputs: {x: [3], price: [1]}
models:
  Encoder: {inputs: {x: [3]}, layers: [{dense: {units: 2, activation: tanh}}, {dropout: 0.1}]}
layers:
  - Encoder: {from: x, name: code}
  - dense: {units: 1, name: guess}
  - losses.mse: {from: [price, guess], name: miss}
  - dense: {units: 3, from: code, name: back}
  - losses.mse: {from: [x, back], name: error}
outputs: code
data:
  source: {csv: a.csv}
  inputs: {x: {columns: [a, b, c], prepare: [normalization]}, price: {column: price, prepare: [normalization]}}
  split: {validation: 0.25, test: 0.25}
  batch_size: 8
train: {minimize: {miss: 1, error: 0.5}, epochs: 2, optimizer: {adam: 0.05}}
"""


def write_table(path: Path, *columns: str) -> None:
    rng = np.random.default_rng(1)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in rng.normal(size=(40, 3)):
            values = {"a": row[0], "b": 5 * row[1], "c": row[2] - 7, "price": 10 + 3 * row[0] - row[2]}
            writer.writerow([f"{values[name]:.5f}" for name in columns])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec that was trained once."""
    path = tmp_path_factory.mktemp("whole")
    write_table(path / "a.csv", "a", "b", "c", "price")
    write_table(path / "new.csv", "c", "b", "a")
    (path / "both.yaml").write_text(SPEC)
    done = dlspec_here("train", str(path / "both.yaml"), "--run", str(path / "run"))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder / "run"


def test_both_parts_are_kept(run: Path) -> None:
    import keras

    report = as_documented("report", (run / "report.json").read_text())
    assert report["parameters"]["total"] == 8 and report["model"]["training"]["parameters"]["total"] == 8 + 3 + 9
    saved = keras.saving.load_model(run / "model.keras", compile=False)
    assert [tensor.name for tensor in saved.inputs] == ["x"] and len(saved.outputs) == 1
    whole = whole_of(run)
    assert list(whole.output) == ["code", "miss", "error"] and [one.name for one in whole.inputs] == ["x", "price"]
    encoder = whole.get_layer("Encoder").get_weights()
    for mine, kept in zip(encoder, saved.get_layer("both").get_layer("Encoder").get_weights(), strict=True):
        np.testing.assert_array_equal(mine, kept)


def test_evaluate_measures_what_was_minimised(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads((run / "report.json").read_text())
    found = as_documented("output/evaluate", asked(capsys, "evaluate", str(run), "--format", "json"))
    assert found["metrics"].keys() == {"train", "validation", "test"}
    for part, measured in found["metrics"].items():
        assert measured == pytest.approx(report["metrics"][part], rel=1e-5), part
        assert measured["loss"] == pytest.approx(measured["miss"] + 0.5 * measured["error"], rel=1e-5)
    other = json.loads(asked(capsys, "evaluate", str(run), "--data", "a.csv", "--format", "json"))
    parts = {"train": 20, "validation": 10, "test": 10}
    mean = sum(count * report["metrics"][part]["miss"] for part, count in parts.items()) / 40
    assert other["metrics"]["a.csv"]["miss"] == pytest.approx(mean, rel=1e-4)


def test_evaluate_asks_for_every_input_and_predict_for_those_of_the_saved_model(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = dlspec_here("evaluate", str(run), "--data", "new.csv")
    assert refused.returncode == 1 and "E602" in refused.stderr and "`price`" in refused.stderr
    lines = asked(capsys, "predict", str(run), "new.csv", "--format", "csv").splitlines()
    assert len(lines) == 41 and lines[0] == "example,code 0,code 1"  # and not `Encoder`, which makes it
    with_price = asked(capsys, "predict", str(run), "a.csv", "--format", "csv").splitlines()
    assert [line.split(",")[2:] for line in lines[1:]] == [line.split(",")[2:] for line in with_price[1:]]


def test_a_model_file_has_the_saved_part_alone(run: Path) -> None:
    import keras

    done = dlspec_here("export", str(run), "--to", "keras", "-o", "saved.keras")
    assert done.returncode == 0, done.stderr
    assert [tensor.name for tensor in keras.saving.load_model("saved.keras").inputs] == ["x"]


def test_damaged_weights_are_told(run: Path) -> None:
    kept = (run / WEIGHTS_FILE).read_bytes()
    try:
        (run / WEIGHTS_FILE).write_bytes(kept[:100])
        done = dlspec_here("evaluate", str(run))
    finally:
        (run / WEIGHTS_FILE).write_bytes(kept)
    assert done.returncode == 1 and "E522" in done.stderr and WEIGHTS_FILE in done.stderr


def test_files_of_different_epochs_are_told(run: Path) -> None:
    """A kill between the two that are written one after the other leaves such a pair."""
    import keras

    kept = (run / "model.keras").read_bytes()
    try:
        saved = keras.saving.load_model(run / "model.keras", compile=False)
        saved.set_weights([weight + 1e-6 for weight in saved.get_weights()])
        saved.save(run / "model.keras")
        with pytest.raises(Problem, match="are of different epochs: the training was killed"):
            whole_of(run)
    finally:
        (run / "model.keras").write_bytes(kept)
    assert whole_of(run)


def test_another_training_starts_from_all_that_was_trained(run: Path) -> None:
    given = SPEC[SPEC.index("data:") : SPEC.index("train:")]
    text = SPEC.replace("name: both", "name: next").replace("epochs: 2", "epochs: 1, start_from: run")
    assert given in text
    Path("next.yaml").write_text(text.replace("{adam: 0.05}", "{sgd: 1e-12}"))
    done = dlspec_here("train", "next.yaml", "--run", "next")
    assert done.returncode == 0 and "weights of run" in done.stderr, done.stderr
    for mine, before in zip(whole_of(Path("next")).get_weights(), whole_of(run).get_weights(), strict=True):
        np.testing.assert_allclose(mine, before, atol=1e-7)
    folder = compile_text(Path(), text.replace("start_from: run", "start_from: next/checkpoints"))
    assert [(item.code, item.message) for item in folder.diagnostics.items] == [
        ("E516", "`next/checkpoints` is no run with a model: it holds no `model.keras`")
    ]


def test_nothing_is_compared_column_by_column(run: Path) -> None:
    done = dlspec_here("importance", str(run))
    assert done.returncode == 1 and "E522" in done.stderr


def test_the_module_of_a_graph_is_equal_in_all_parts(tmp_path: Path) -> None:
    import keras

    state: Any = compile_text(tmp_path, SPEC[: SPEC.index("data:")] + "train: {minimize: {miss: 1, error: 0.5}}\n")
    source = emit_model(state)
    compare(state, source)
    saved = execute(source)
    assert [tensor.name for tensor in keras.tree.flatten(saved.input)] == ["x"] and saved.count_params() == 8


def test_a_run_says_what_it_trained(run: Path) -> None:
    saved = open_run(Run(run))
    assert list(saved.signature.inputs) == ["x"] and list(saved.entering.inputs) == ["x", "price"]


def test_a_spec_may_be_called_as_its_input(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    Path("x.yaml").write_text(SPEC.replace("name: both", "name: x"))
    done = dlspec_here("train", "x.yaml", "--run", "called")
    assert done.returncode == 0, done.stderr
    report = json.loads(Path("called/report.json").read_text())
    found = json.loads(asked(capsys, "evaluate", "called", "--format", "json"))
    assert found["metrics"]["test"] == pytest.approx(report["metrics"]["test"], rel=1e-5)
