"""Linear models of `specs/linear`: they train to what scikit-learn's own of the kind reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.views.pages.index import Run, find_run
from tests.support import ROOT, rows_of

pytestmark = pytest.mark.slow
FOLDER = ROOT / "specs" / "linear"


def trained(name: str, *settings: str) -> tuple[Run, dict[str, float]]:
    """The run and the measures of the test split of a run in the current folder."""
    given = [word for setting in settings for word in ("--set", setting)]
    assert run(["train", str(FOLDER / f"{name}.yaml"), "-q", *given]) == 0
    path = find_run(name, Path("runs"))
    measures: dict[str, float] = json.loads((path.path / "report.json").read_text())["metrics"]["test"]
    return path, measures


def weights(path: Run) -> Any:
    """What the only layer of a saved model has learnt: kernel, bias."""
    from dlspec.training.saved import open_run

    return [np.asarray(variable) for variable in open_run(path).model.trainable_variables]


@pytest.mark.parametrize(
    ("name", "settings", "bar"),
    [
        ("weston_watkins", (), 0.93),  # scikit-learn's `LinearSVC` on a split of this size: 0.95; no training: 0.1
        ("softmax_regression", (), 0.93),
        ("perceptron", (), 0.93),  # always the more frequent class: 0.63
        ("widrow_hoff", (), 0.93),
        ("logistic", (), 0.95),
        ("support_vector_machine", (), 0.95),
        ("support_vector_machine", ("train.loss=squared_hinge",), 0.95),
        ("xor", (), 0.97),
    ],
)
def test_a_linear_classifier(
    name: str, settings: tuple[str, ...], bar: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert trained(name, *settings)[1]["accuracy"] > bar


def test_a_line_does_not_tell_either_from_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of four corners at best."""
    monkeypatch.chdir(tmp_path)
    assert trained("xor_by_a_line")[1]["accuracy"] < 0.8


def test_a_linear_unit_is_that_of_least_squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.datasets import load_iris

    monkeypatch.chdir(tmp_path)
    path, measures = trained("linear_unit")
    data, rows = load_iris().data, rows_of(FOLDER / "linear_unit.yaml").train
    lengths = data[rows, 2]
    expected = np.polyfit((lengths - lengths.mean()) / lengths.std(), data[rows, 3], 1)
    kernel, bias = weights(path)
    assert [kernel.item(), bias.item()] == pytest.approx(expected, abs=1e-3)
    assert measures["r2_score"] > 0.85


@pytest.mark.parametrize(("l1", "l2"), [(0.2, 0.0), (0.0, 0.2), (0.1, 0.05)], ids=["lasso", "ridge", "elastic net"])
def test_penalties_are_those_of_scikit_learn(
    l1: float, l2: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its objective is half of ours: MSE / 2 + alpha · ratio · |w| + alpha · (1 - ratio) · w² / 2."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import ElasticNet

    monkeypatch.chdir(tmp_path)
    # The whole training split makes a step, so that the weights come to rest.
    settings = ("data.batch_size=310", "train.optimizer={sgd: 0.04}", "train.epochs=800", "train.keep=last")
    path, _ = trained("elastic_net", f"params.l1={l1}", f"params.l2={l2}", *settings)
    data, rows = load_diabetes(), rows_of(FOLDER / "elastic_net.yaml").train
    x, y = data.data[rows], data.target[rows]
    alpha = l1 / 2 + l2
    theirs = ElasticNet(alpha=alpha, l1_ratio=l1 / 2 / alpha, max_iter=10_000)
    theirs.fit((x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std())
    assert weights(path)[0].ravel() == pytest.approx(theirs.coef_, abs=0.02)
