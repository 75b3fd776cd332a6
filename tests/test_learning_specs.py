"""Learning without labels, in `specs/learning`: a linear model on few labelled codes beats one on the pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.views.pages.index import find_run
from tests.support import ROOT, rows_of

FOLDER = ROOT / "specs" / "learning"


def accuracy(train: Any, test: Any, labels: Any, wanted: Any, count: int) -> float:
    """Accuracy of a logistic regression on `count` labelled examples, mean of five draws, the better of two `C`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(train)
    scores = []
    for seed in range(5):
        rows = np.random.default_rng(seed).permutation(len(train))[:count]
        models = [
            LogisticRegression(C=c, max_iter=3000).fit(scale.transform(train[rows]), labels[rows]) for c in (0.1, 10)
        ]
        scores.append([model.score(scale.transform(test), wanted) for model in models])
    return float(np.mean(scores, axis=0).max())


def gain(name: str, count: int) -> float:
    """By how much the features of the newest run beat the pixels, with `count` labelled digits."""
    from sklearn.datasets import load_digits

    from dlspec.training.saved import open_run

    rows = rows_of(FOLDER / f"{name}.yaml")
    digits = load_digits()
    model = open_run(find_run(name, Path("runs"))).model
    features = model.predict(digits.images[..., None].astype("float32"), verbose=0)
    of_features, of_pixels = (
        accuracy(values[rows.train], values[rows.test], digits.target[rows.train], digits.target[rows.test], count)
        for values in (features, digits.data / 16)
    )
    return of_features - of_pixels


@pytest.mark.slow
def test_views_of_one_picture_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run of 12 epochs gains 0.085; features of a network that did not learn lose 0.01 to 0.05."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(FOLDER / "simclr.yaml"), "--set", "train.epochs=8"]) == 0
    assert gain("simclr", 50) >= 0.03


@pytest.mark.slow
def test_a_student_learns_from_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees no label: where its teacher's answers do not reach it, it tells a tenth of the digits."""
    monkeypatch.chdir(tmp_path)
    shorter = ["--set", "train.phases.teacher.epochs=3", "--set", "train.phases.student.epochs=15"]
    assert run(["train", str(FOLDER / "distillation.yaml"), *shorter]) == 0
    report = json.loads((find_run("distillation", Path("runs")).path / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["test"]["digit_accuracy"] >= 0.8


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "at_50", "at_100"), [("simclr", 0.015, 0.01), ("byol", 0.025, 0.015)])
def test_labels_are_saved(
    name: str, at_50: float, at_100: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(FOLDER / f"{name}.yaml")]) == 0
    assert gain(name, 50) >= at_50
    assert gain(name, 100) >= at_100


@pytest.mark.exhaustive
def test_a_teacher_that_is_an_average(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the 100 labels alone, with the same views, 0.906."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(FOLDER / "mean_teacher.yaml")]) == 0
    report = json.loads((find_run("mean_teacher", Path("runs")).path / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["test"]["steady_accuracy"] >= 0.92
