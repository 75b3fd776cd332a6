"""Searches whose trials share their batches among devices: `train: {distribute: mirrored}` beside `tune`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.emit.projects import emitted

pytestmark = pytest.mark.slow

SEARCH = """
name: iris
params: {units: {int: [4, 12], step: 4}, rate: {choice: [0.1, 0.01]}}
inputs: {x: [4]}
layers:
  - dense: {units: $units, activation: relu}
  - dense: {units: 3, activation: softmax, name: y}
data: {source: {sklearn: iris}, targets: {y: target}, split: {validation: 0.3, by: stratified}, batch_size: 16}
train: {loss: sparse_categorical_crossentropy, optimizer: {adam: $rate}, distribute: {mirrored: 2}}
tune: {objective: val_loss, trials: 2, epochs: 2}
"""


def scores(spec: Path, *options: str) -> list[tuple[dict[str, Any], float]]:
    """Values and scores of the trials of a search of its own."""
    folder = spec.with_name("_".join(["search", spec.stem, *options]))
    command = [sys.executable, "-m", "dlspec", "tune", str(spec), "--search", str(folder), *options]
    done = subprocess.run([*command, "-o", f"{folder}.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    facts = json.loads((folder / "search.json").read_text(encoding="utf-8"))
    reports = [json.loads(file.read_text()) for file in sorted((folder / "trials").glob("*/report.json"))]
    devices = ["CPU:0", "CPU:1"] if "distribute" in spec.read_text() else None
    assert [one.get("devices") for one in reports] == [devices] * 2
    return [(one["values"], one["score"]) for one in facts["trials"]]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = tmp_path_factory.mktemp("search") / "spec.yaml"
    spec.write_text(SEARCH)
    return spec


@pytest.fixture(scope="module")
def found(search: Path) -> list[tuple[dict[str, Any], float]]:
    """What a search in one process finds."""
    return scores(search)


def test_trials_may_share_their_batches_among_devices(search: Path, found: list[tuple[dict[str, Any], float]]) -> None:
    assert scores(search, "--workers", "2") == found
    alone = search.with_name("alone.yaml")
    alone.write_text(SEARCH.replace(", distribute: {mirrored: 2}", ""))
    for (values, score), (others, other) in zip(found, scores(alone), strict=True):
        assert values == others and score == pytest.approx(other, rel=1e-5)


def test_a_search_of_a_project_does_the_same(search: Path, found: list[tuple[dict[str, Any], float]]) -> None:
    project = search.with_name("project")
    emitted(search, project)
    done = subprocess.run([sys.executable, "tune.py"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    files = sorted((project / "output" / "search").glob("trial_*/trial.json"))
    theirs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert [one["hyperparameters"]["values"] for one in theirs] == [values for values, _ in found]
    assert [one["score"] for one in theirs] == pytest.approx([score for _, score in found], rel=1e-4)
