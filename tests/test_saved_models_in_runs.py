"""Runs, studies and searches of specs with a model from a file keep copies of it: the file itself may be gone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.killing import epochs_are_there, kill_when
from tests.support import ROOT, dlspec_here, rows_of

LEARNING = ROOT / "specs" / "learning"


@pytest.fixture
def transfer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("transfer.yaml", "views.keras"):
        shutil.copy(LEARNING / name, tmp_path)
    return tmp_path


def accuracy(report: Path) -> float:
    return float(json.loads((report / "report.json").read_text())["metrics"]["test"]["accuracy"])


def few_epochs() -> Path:
    """The spec with two epochs and all rows, which projects support."""
    text = (
        Path("transfer.yaml").read_text().replace("epochs: 100", "epochs: 2").replace(", training_fraction: 0.07", "")
    )
    Path("few.yaml").write_text(text)
    return Path("few.yaml")


def test_a_run_keeps_a_copy_of_the_file(transfer: Path) -> None:
    """Once trained, the file may be gone, or be another one."""
    assert run(["train", str(few_epochs()), "--quiet", "--run", "one"]) == 0
    assert Path("one/models/Encoder.keras").read_bytes() == Path("views.keras").read_bytes()
    Path("views.keras").unlink()
    for project in ("project", "other"):
        assert run(["evaluate", "one"]) == 0
        assert run(["export", "one", "--to", "keras", "-o", f"{project}.keras"]) == 0
        assert run(["export", "one", "--project", project]) == 0
        Path("views.keras").write_bytes(b"nothing that Keras wrote")
    shutil.rmtree("one/models")
    subprocess.run([sys.executable, "train.py"], cwd="project", check=True, capture_output=True)
    curve = [float(line.split(",")[2]) for line in Path("project/output/history.csv").read_text().splitlines()[1:]]
    ours = [float(line.split(",")[1]) for line in Path("one/metrics.csv").read_text().splitlines()[1:]]
    np.testing.assert_allclose(curve, ours, rtol=1e-5)


def test_without_the_file_and_a_run_of_the_same_spec(transfer: Path) -> None:
    """Copies of runs of other specs are none of this one."""
    assert run(["train", str(few_epochs()), "--quiet"]) == 0
    Path("views.keras").unlink()
    for command in (["train", "--set", "train.epochs=3"], ["check"]):
        done = dlspec_here(*command, "few.yaml")
        assert done.returncode == 1
        assert "error[E601]: there is no file `views.keras`" in done.stdout + done.stderr


STUDY = "train:\n  method: {seeds: 2}\n"
TUNED = "params: {rate: {float: [1e-3, 1e-2]}}\ntune: {algorithm: random, trials: 3, seed: 1}\n"


# Files with the epochs of a training after whose third the process is killed.
BEGUN = {"train": "*", "study": "*/members/*", "tune": "*/trials/0002"}


@pytest.mark.slow
@pytest.mark.parametrize("command", BEGUN)
def test_going_on_without_the_file(command: str, transfer: Path) -> None:
    text = few_epochs().read_text().replace("epochs: 2", "epochs: 40\n  checkpoint: 0")
    if command == "study":
        text = text.replace("train:\n", STUDY)
    if command == "tune":
        text = text.replace("adam: 1e-2", "adam: $rate").replace("test: 0.2", "validation: 0.2, test: 0.2") + TUNED
    Path("few.yaml").write_text(text)
    line = [sys.executable, "-m", "dlspec", "tune" if command == "tune" else "train", "few.yaml", "--quiet"]
    kill_when(epochs_are_there(Path("runs/transfer"), 3, f"{BEGUN[command]}/metrics.csv"), *line[3:])
    shutil.move("views.keras", "elsewhere.keras")
    begun = set(Path("runs/transfer").iterdir())
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    assert any(f"`views.keras` is gone: its copy in {folder}/models is read" in done.stderr for folder in begun)
    assert set(Path("runs/transfer").iterdir()) == begun
    first = sorted(Path("runs/transfer").rglob("metrics.csv"))
    shutil.move("elsewhere.keras", "views.keras")
    subprocess.run([*line, "--new"], check=True, capture_output=True)
    other = sorted(set(Path("runs/transfer").rglob("metrics.csv")) - set(first))
    assert first and [path.read_text() for path in first] == [path.read_text() for path in other]
    assert len([*Path("runs").rglob("trials/*/models")]) == (2 if command == "tune" else 0)  # that of the best trial


@pytest.mark.slow
def test_going_on_after_a_kill(transfer: Path) -> None:
    command = [sys.executable, "-m", "dlspec", "train", "transfer.yaml", "--set", "train.epochs=30", "--quiet"]
    command += ["--set", "train.checkpoint=0"]
    subprocess.run([*command, "--run", "whole"], check=True, capture_output=True)
    metrics = Path("cut/metrics.csv")
    kill_when(epochs_are_there(metrics.parent, 3), *command[3:], "--run", "cut")
    data = Path("views.keras").read_bytes()
    import keras

    other = keras.models.load_model("views.keras", compile=False)
    other.set_weights([2 * weight for weight in other.get_weights()])
    other.save("views.keras")
    refused = subprocess.run([*command, "--run", "cut"], capture_output=True, text=True, check=False)
    assert "error[E512]" in refused.stderr and "the file of the model `Encoder` has other contents" in refused.stderr
    Path("views.keras").write_bytes(data)
    subprocess.run([*command, "--run", "cut"], check=True, capture_output=True)
    assert metrics.read_text() == Path("whole/metrics.csv").read_text()


@pytest.mark.slow
def test_as_well_as_by_hand(transfer: Path) -> None:
    """A script of Keras alone: the same encoder, frozen, the same head, the same 100 labelled pictures."""
    import keras

    assert run(["train", "transfer.yaml", "--quiet", "--run", "one"]) == 0
    from sklearn.datasets import load_digits

    digits, rows = load_digits(), rows_of(Path("transfer.yaml"))
    scores = []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        encoder = keras.models.load_model("views.keras", compile=False)
        encoder.trainable = False
        image = keras.Input((8, 8))
        model = keras.Model(image, keras.layers.Dense(10, activation="softmax")(encoder(image)))
        model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(digits.images[rows.train], digits.target[rows.train], epochs=100, batch_size=32, verbose=0)
        scores.append(model.evaluate(digits.images[rows.test], digits.target[rows.test], verbose=0)[1])
    assert abs(accuracy(Path("one")) - np.mean(scores)) < 0.02 and accuracy(Path("one")) > 0.85


@pytest.mark.slow
def test_phases_and_search_and_project(transfer: Path) -> None:
    spec = (
        Path("transfer.yaml")
        .read_text()
        .replace(
            "  epochs: 100",
            "  phases: {head: {epochs: 2}, all: {epochs: 2, unfreeze: Encoder, optimizer: {adam: 1e-4}}}",
        )
    )
    spec = spec.replace(", training_fraction: 0.07", "")  # which projects do not support
    Path("phases.yaml").write_text(spec)
    assert run(["train", "phases.yaml", "--quiet", "--run", "one"]) == 0
    import keras

    before, after = keras.models.load_model("views.keras", compile=False), keras.models.load_model("one/model.keras")
    pairs = zip(before.weights, after.get_layer("Encoder").weights, strict=True)
    assert all(np.abs(np.asarray(old) - np.asarray(new)).max() > 0 for old, new in pairs)
    assert run(["export", "phases.yaml", "--project", "project"]) == 0
    subprocess.run([sys.executable, "train.py"], cwd="project", check=True, capture_output=True)
    curve = [float(line.split(",")[2]) for line in Path("project/output/history.csv").read_text().splitlines()[1:]]
    ours = [float(line.split(",")[1]) for line in Path("one/metrics.csv").read_text().splitlines()[1:]]
    np.testing.assert_allclose(curve, ours, rtol=1e-5)
    tuned = Path("transfer.yaml").read_text().replace("adam: 1e-2", "adam: $rate").replace("epochs: 100", "epochs: 2")
    tuned = tuned.replace("test: 0.2", "validation: 0.2, test: 0.2")
    tuned += "params: {rate: {float: [1e-3, 1e-2]}}\ntune: {algorithm: random, trials: 2}\n"
    Path("tuned.yaml").write_text(tuned)
    command = [sys.executable, "-m", "dlspec", "tune", "tuned.yaml"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "2 completed, 0 failed" in done.stdout
