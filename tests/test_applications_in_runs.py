"""Specs with a model of `keras.applications`: trained, killed, searched and exported like any other."""

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
from tests.support import ROOT

SPEC = ROOT / "specs" / "learning" / "backbone.yaml"


@pytest.fixture
def backbone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the spec, three epochs of it, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))
    Path("backbone.yaml").write_text(SPEC.read_text().replace("epochs: 10", "epochs: 3"))
    return tmp_path


def curve(file: str, column: int) -> list[float]:
    return [float(line.split(",")[column]) for line in Path(file).read_text().splitlines()[1:]]


@pytest.mark.slow
def test_a_run_needs_no_cache(backbone: Path) -> None:
    """Its folder has the layers; a project of it trains the same model, without dlspec."""
    assert run(["train", "backbone.yaml", "--quiet", "--run", "one"]) == 0
    (kept,) = Path("cache").rglob("*.json")
    assert Path("one/models/Backbone.json").read_bytes() == kept.read_bytes()
    shutil.rmtree("cache")
    assert run(["evaluate", "one"]) == 0
    assert run(["export", "one", "--to", "keras", "-o", "one.keras"]) == 0
    assert run(["export", "one", "--project", "project"]) == 0
    assert not Path("cache").exists()
    shutil.move("one", "gone")
    subprocess.run([sys.executable, "train.py"], cwd="project", check=True, capture_output=True)
    np.testing.assert_allclose(curve("project/output/history.csv", 2), curve("gone/metrics.csv", 1), rtol=1e-4)


@pytest.mark.slow
def test_going_on_after_a_kill_with_a_new_cache(backbone: Path) -> None:
    command = [sys.executable, "-m", "dlspec", "train", "backbone.yaml", "--quiet", "--set", "train.checkpoint=0"]
    subprocess.run([*command, "--run", "whole"], check=True, capture_output=True)
    metrics = Path("cut/metrics.csv")
    kill_when(epochs_are_there(metrics.parent, 1), *command[3:], "--run", "cut")
    shutil.rmtree("cache")
    subprocess.run([*command, "--run", "cut"], check=True, capture_output=True)
    assert metrics.read_text() == Path("whole/metrics.csv").read_text()


@pytest.mark.slow
def test_weights_of_a_file_that_stay(backbone: Path) -> None:
    """`weights` names it, `trainable: false` keeps it; the run has a copy, and a search trains with it."""
    import keras

    keras.utils.set_random_seed(1)
    base = keras.applications.MobileNet(weights=None, include_top=False, alpha=0.25, input_shape=(32, 32, 1))
    base.save("mobile.keras")
    text = Path("backbone.yaml").read_text().replace("weights: null", "weights: mobile.keras")
    text = text.replace("    outputs: conv_pw_5_relu\n", "    outputs: conv_pw_5_relu\n    trainable: false\n")
    Path("kept.yaml").write_text(text)
    assert run(["train", "kept.yaml", "--quiet", "--run", "one"]) == 0
    before = base.get_layer("conv_pw_5").get_weights()
    Path("mobile.keras").unlink()
    assert run(["evaluate", "one"]) == 0
    after = keras.models.load_model("one/model.keras").get_layer("Backbone").get_layer("conv_pw_5").get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    base.save("mobile.keras")
    tuned = text.replace("adam: 1e-2", "adam: $rate").replace("epochs: 3", "epochs: 1")
    tuned = tuned.replace("test: 0.2", "validation: 0.2, test: 0.2")
    Path("tuned.yaml").write_text(
        tuned + "params: {rate: {float: [1e-3, 1e-2]}}\ntune: {algorithm: random, trials: 2}\n"
    )
    command = [sys.executable, "-m", "dlspec", "tune", "tuned.yaml"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "2 completed, 0 failed" in done.stdout


@pytest.mark.slow
def test_half_a_network_learns_digits(backbone: Path) -> None:
    assert run(["train", str(SPEC), "--quiet", "--run", "one"]) == 0
    assert json.loads(Path("one/report.json").read_text())["metrics"]["test"]["accuracy"] > 0.9
