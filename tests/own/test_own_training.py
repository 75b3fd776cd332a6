"""A spec with a component of each kind through the commands: train, kill, resume, predict, tune, export."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from tests.own import PARTS, SPEC
from tests.support import dlspec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec, its file, some rows to answer, and a finished run."""
    folder = tmp_path_factory.mktemp("own")
    for file in (PARTS, SPEC):
        shutil.copy(file, folder)
    data = load_diabetes()
    with (folder / "new.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(data.feature_names)
        writer.writerows(data.data[:4].tolist())
    done = dlspec("train", "own.yaml", "--allow-code", "--quiet", "--run", "runs/own/whole", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_run_keeps_the_code_and_answers_by_it(folder: Path) -> None:
    run = folder / "runs" / "own" / "whole"
    assert (run / "code" / "parts.py").read_text() == PARTS.read_text()
    refused = dlspec("predict", "runs/own/whole", "new.csv", cwd=folder)
    assert refused.returncode == 1
    assert "error[E110]" in refused.stderr and "then pass `--allow-code`" in refused.stderr
    moved = folder / "parts.py"
    text = moved.read_text()
    try:  # what became of the file since does not count
        moved.write_text(text.replace("inputs * self.factor", "inputs * 0.0"))
        answers = dlspec("predict", "runs/own/whole", "new.csv", "--allow-code", cwd=folder)
    finally:
        moved.write_text(text)
    assert answers.returncode == 0, answers.stderr
    values = [float(row["y"]) for row in csv.DictReader(answers.stdout.splitlines())]
    assert len(set(values)) == 4
    evaluated = dlspec("evaluate", "runs/own/whole", "--allow-code", "--format", "json", cwd=folder)
    assert evaluated.returncode == 0, evaluated.stderr


def test_the_project_has_the_figures_of_the_run(folder: Path) -> None:
    done = dlspec("export", "own.yaml", "--project", "project", "--allow-code", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "project" / "parts.py").read_text() == PARTS.read_text()
    trained = subprocess.run(
        [sys.executable, "train.py"], cwd=folder / "project", capture_output=True, text=True, check=False
    )
    assert trained.returncode == 0, trained.stderr
    report = json.loads((folder / "runs" / "own" / "whole" / "report.json").read_text())
    line = next(line for line in trained.stdout.splitlines() if line.startswith("test "))
    figures = dict(word.split("=") for word in line.split()[1:])
    for name, value in report["metrics"]["test"].items():
        assert float(figures[name]) == pytest.approx(value, rel=2e-3), name


@pytest.mark.parametrize(("to", "file"), [("keras", "m.keras"), ("onnx", "m.onnx")])
def test_exports_of_the_run(folder: Path, to: str, file: str) -> None:
    done = dlspec("export", "runs/own/whole", "--to", to, "-o", file, "--allow-code", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "largest difference from Keras" in done.stdout


def test_a_killed_run_goes_on_to_the_same_end(folder: Path) -> None:
    command = [sys.executable, "-m", "dlspec", "train", "own.yaml", "--allow-code", "--run", "runs/own/killed"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        checkpoints = folder / "runs" / "own" / "killed" / "checkpoints"
        end = time.monotonic() + 120
        while time.monotonic() < end and len(list(checkpoints.glob("*"))) < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    changed = folder / "parts.py"
    text = changed.read_text()
    try:
        changed.write_text(text + "\n# another text\n")
        refused = dlspec("train", "own.yaml", "--allow-code", "--run", "runs/own/killed", cwd=folder)
    finally:
        changed.write_text(text)
    assert "error[E512]" in refused.stderr and "`parts.py` has another text" in refused.stderr
    done = dlspec("train", "own.yaml", "--allow-code", "--run", "runs/own/killed", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "epochs counted: 3" in done.stdout + done.stderr  # the callback's own state goes on too
    assert "going on with" in done.stdout + done.stderr
    ends = [(folder / "runs" / "own" / name / "metrics.csv").read_text() for name in ("whole", "killed")]
    rows = [
        [{k: v for k, v in row.items() if "second" not in k} for row in csv.DictReader(end.splitlines())]
        for end in ends
    ]
    assert rows[0] == rows[1]


def test_a_search_runs_it_in_two_processes(folder: Path) -> None:
    spec = SPEC.read_text().replace("{width: 8}", "{width: {int: [4, 12]}}").replace("checkpoint: 0", "")
    spec += "tune: {algorithm: random, trials: 2, objective: val_within}\n"
    (folder / "searched.yaml").write_text(spec.replace("name: own", "name: searched"))
    done = dlspec("tune", "searched.yaml", "--allow-code", "--workers", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "2 completed, 0 failed" in done.stdout + done.stderr


def test_what_fails_in_training_names_the_line(folder: Path, tmp_path: Path) -> None:
    code = PARTS.read_text().replace(
        "        return self.factor * ops.mean",
        "        if y_pred.shape[0] != 2:\n            raise TypeError('too many')\n"
        "        return self.factor * ops.mean",
    )
    (tmp_path / "parts.py").write_text(code)
    shutil.copy(SPEC, tmp_path)
    done = dlspec("train", "own.yaml", "--allow-code", cwd=tmp_path)
    assert done.returncode == 1
    line = code.splitlines().index("            raise TypeError('too many')") + 1
    assert f"error[E111]: training failed in `parts.py`, line {line}: TypeError: too many" in done.stderr
    assert np.all([path.name != "model.keras" for path in tmp_path.rglob("*")])
