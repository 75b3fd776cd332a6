"""Ensembles of weak members against single ones: five splits of three sets; ``make exhaustive`` runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine

from tests.studies.test_studies import cli

SPEC = """
name: weak
data:
  source: {{npz: set.npz}}
  inputs: {{x: {{column: x, prepare: [normalization]}}}}
  targets: {{kind: {{column: y}}}}
  split: {{test: 0.3, by: stratified, seed: {split}}}
layers:
  - dense: {{units: {units}, activation: relu}}
  - dense: {{units: {classes}, activation: softmax, name: kind}}
train:
  method: {method}
  loss: sparse_categorical_crossentropy
  optimizer: {{adam: {{learning_rate: {rate}}}}}
  metrics: [accuracy]
  epochs: {epochs}
  seed: {seed}
"""
# Five such networks of other seeds, whose answers enter one more layer.
STACKED = """
name: stacked
data:
  source: {{npz: set.npz}}
  targets: {{kind: {{column: y}}}}
  split: {{test: 0.3, by: stratified, seed: {split}}}
layers:
  - concatenate: [{names}]
  - dense: {{units: {classes}, activation: softmax, name: kind}}
train:
  method: {{stacking: {{members: {members}, folds: 3}}}}
  loss: sparse_categorical_crossentropy
  optimizer: {{adam: {{learning_rate: 0.01}}}}
  metrics: [accuracy]
  epochs: 30
  seed: {seed}
"""
# What an ensemble must add to the mean of single networks, in how many of five splits.
GAIN, SPLITS_NEEDED = 0.015, 4
_NEAR_TEST = 0.05


def _kept(folder: Path, name: str, **values: Any) -> dict[str, Any]:
    """The study's facts."""
    (folder / "spec.yaml").write_text(SPEC.format(**values))
    code, out, err = cli("train", str(folder / "spec.yaml"), "--run", str(folder / name), "-q")
    assert code == 0, out + err
    facts: dict[str, Any] = json.loads((folder / name / "study.json").read_text())
    return facts


def _stacked(folder: Path, name: str, **values: Any) -> dict[str, Any]:
    """The facts of a stacking of five networks."""
    (folder / "spec.yaml").write_text(SPEC.format(method="supervised", **values))
    members = ", ".join(f"m{number}: spec.yaml" for number in range(5))
    names = ", ".join(f"m{number}" for number in range(5))
    (folder / "stacked.yaml").write_text(STACKED.format(members="{" + members + "}", names=names, **values))
    code, out, err = cli("train", str(folder / "stacked.yaml"), "--run", str(folder / name), "-q")
    assert code == 0, out + err
    facts: dict[str, Any] = json.loads((folder / name / "study.json").read_text())
    return facts


def gains(folder: Path, x: Any, y: Any, settings: dict[str, Any]) -> dict[str, list[float]]:
    """By split: accuracy of single networks, what each ensemble adds, and how far out of bag is from test."""
    np.savez(folder / "set.npz", x=x.astype(np.float32), y=y)
    measured: dict[str, list[float]] = {"single": [], "bagging": [], "boosting": [], "stacking": [], "out of bag": []}
    for split in range(5):
        common = {**settings, "split": split, "seed": 100 * split, "classes": int(y.max()) + 1}
        several = _kept(folder, f"seeds{split}", method="{seeds: {count: 5, keep: none}}", **common)
        single = float(np.mean([member["measures"]["test"]["accuracy"] for member in several["members"]]))
        bag = _kept(folder, f"bag{split}", method="{bagging: 10}", **common)["kept"]
        votes = _kept(folder, f"votes{split}", method="{boosting: 10}", **common)["kept"]
        stack = _stacked(folder, f"stack{split}", **common)["kept"]
        measured["single"].append(single)
        measured["bagging"].append(bag["test"]["accuracy"] - single)
        measured["boosting"].append(votes["test"]["accuracy"] - single)
        measured["stacking"].append(stack["test"]["accuracy"] - single)
        measured["out of bag"].append(abs(bag["oob"]["accuracy"] - bag["test"]["accuracy"]))
        print(split, {name: round(values[-1], 4) for name, values in measured.items()}, flush=True)
    return measured


def _digits(**_: Any) -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(y))[:600]
    return x[chosen] / 16, y[chosen]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("load", "settings"),
    [
        pytest.param(load_wine, {"units": 4, "epochs": 10, "rate": 0.01}, id="wine"),
        pytest.param(_digits, {"units": 8, "epochs": 15, "rate": 0.01}, id="digits"),
        pytest.param(load_iris, {"units": 3, "epochs": 15, "rate": 0.01}, id="iris"),
    ],
)
def test_ensembles_beat_single_networks(tmp_path: Path, load: Any, settings: dict[str, Any]) -> None:
    """By the gain, in most splits and in the mean; out-of-bag figures are near those of the test split."""
    measured = gains(tmp_path, *load(return_X_y=True), settings)
    for name in ("bagging", "boosting", "stacking"):
        assert np.mean(measured[name]) >= GAIN, (name, measured[name])
        assert sum(gain >= GAIN for gain in measured[name]) >= SPLITS_NEEDED, (name, measured[name])
    assert np.mean(measured["out of bag"]) <= _NEAR_TEST, measured["out of bag"]
