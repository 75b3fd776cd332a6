"""Specs as estimators of scikit-learn: its own checks, frames and arrays, pickles, and what is refused."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlspec
from dlspec.syntax.dumping import dump
from tests.support import ROOT

SHORT = {"train.epochs": 30}
# Checks of scikit-learn that may fail, with the reason.
EXPECTED = {
    "check_methods_subset_invariance": "sums in float32 depend on the number of examples: answers differ by 2e-7",
}
NEED_MORE = {"SCIPY_ARRAY_API is not set", "pandas is not installed"}
HOUSES: dict[str, Any] = {
    "name": "houses",
    "data": {
        "source": {"csv": "nowhere.csv"},
        "inputs": {
            "area": {"column": "area", "missing": "mean", "prepare": ["normalization"]},
            "town": {"column": "town", "prepare": [{"string_lookup": {"output_mode": "one_hot"}}]},
        },
        "targets": {"price": {"column": "price", "prepare": ["normalization"]}},
        "split": {"validation": 0.2, "test": 0.2, "seed": 3},
    },
    "layers": [{"concatenate": ["area", "town"]}, {"dense": {"units": 8, "activation": "relu"}}, {"dense": 1}],
    "train": {"loss": "mse", "optimizer": {"adam": 0.02}, "epochs": 30},
}
YES_OR_NO: dict[str, Any] = {
    "data": {"inputs": {"point": {"column": "where", "prepare": ["normalization"]}}, "targets": {"side": "side"}},
    "layers": [{"dense": {"units": 1, "activation": "sigmoid", "name": "side"}}],
    "train": {"loss": "binary_crossentropy", "optimizer": {"adam": 0.05}, "epochs": 20},
}


class Frame:
    """What pandas and polars have in common."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns = columns
        self.columns = list(columns)
        self.shape = (len(next(iter(columns.values()))), len(columns))

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]

    def __len__(self) -> int:
        return self.shape[0]


def test_they_are_there_without_scikit_learn_and_tensorflow() -> None:
    code = (
        "import sys, dlspec\nassert not {'yaml', 'click', 'numpy'} & set(sys.modules)\n"
        "from dlspec import DlspecClassifier, DlspecRegressor\n"
        "print(repr(DlspecClassifier({'layers': []}, runs='kept')), DlspecRegressor().get_params())\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "DlspecClassifier(spec={'layers': []}, runs='kept') {'spec': None, 'settings': None" in done.stdout


def test_parameters() -> None:
    from sklearn.base import clone, is_classifier, is_regressor

    estimator = dlspec.DlspecRegressor(HOUSES, SHORT)
    assert is_regressor(estimator) and not is_classifier(estimator) and is_classifier(dlspec.DlspecClassifier())
    copied = clone(estimator).set_params(runs="elsewhere")
    assert copied.spec == HOUSES and copied.runs == "elsewhere" and estimator.runs is None
    with pytest.raises(ValueError, match="no parameter `width`; one of spec, settings, runs, allow_code"):
        estimator.set_params(width=3)


def test_what_examples_without_names_do_not_say() -> None:
    with pytest.raises(ValueError, match=r"the spec has the inputs `area`, `town`: fit a data frame with the columns"):
        dlspec.DlspecRegressor(HOUSES).fit(np.ones((9, 2)), np.arange(9))
    several = {**YES_OR_NO, "data": {**YES_OR_NO["data"], "targets": {"a": "a", "b": "b"}}}
    with pytest.raises(ValueError, match="the spec has the targets `a`, `b`: an estimator has one"):
        dlspec.DlspecClassifier(several).fit(np.ones((9, 2)), np.arange(9) % 2)
    with pytest.raises(dlspec.InvalidSpec, match="E4"):
        dlspec.DlspecRegressor(
            {"layers": [{"conv2d": {"filters": 1, "kernel_size": 3}}], "train": {"loss": "mse"}}
        ).fit(np.arange(18.0).reshape(9, 2), np.arange(9))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [dlspec.DlspecClassifier, dlspec.DlspecRegressor])
@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn(kind: Any) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(kind(settings=SHORT), expected_failed_checks=EXPECTED, on_skip=None, on_fail=None)
    failed = {item["check_name"]: str(item["exception"]) for item in results if item["status"] == "failed"}
    assert failed == {}
    skipped = [str(item["exception"]) for item in results if item["status"] == "skipped"]
    assert all(any(text.startswith(reason) for reason in NEED_MORE) for text in skipped), skipped
    assert sum(item["status"] == "passed" for item in results) >= 48


@pytest.mark.slow
@pytest.mark.xdist_group("estimators")
def test_a_frame_enters_by_its_names(tmp_path: Path) -> None:
    towns, areas = ["Ulm", "Bonn"] * 60, [float(40 + number) for number in range(120)]
    prices = [area * 3 + (50 if town == "Ulm" else 0) for town, area in zip(towns, areas, strict=True)]
    frame = Frame({"id": list(range(120)), "town": towns, "area": [None, *areas[1:]]})
    (tmp_path / "houses.yaml").write_text(dump(HOUSES))
    estimator = dlspec.DlspecRegressor(tmp_path / "houses.yaml", {"train.epochs": 60}, runs=tmp_path / "runs")
    assert estimator.fit(frame, prices) is estimator and estimator.score(frame, prices) > 0.8
    assert estimator.run_.path.parent == tmp_path / "runs" / "houses"
    counts = estimator.run_.report["data"]["examples"]
    assert counts == {"train": 96, "validation": 24, "test": 0}
    again = pickle.loads(pickle.dumps(estimator))
    (tmp_path / "houses.yaml").rename(tmp_path / "moved.yaml")
    some = Frame({"id": [1, 2, 3], "town": ["Bonn", "Ulm", "Aachen"], "area": [80.0, 80.0, None]})
    assert again.predict(some) == pytest.approx(estimator.predict(some))
    assert again.run_.path != estimator.run_.path and again.run_.metrics == estimator.run_.metrics
    with pytest.raises(ValueError, match="X has 2 features, but DlspecRegressor is expecting 3"):
        again.predict(Frame({"town": ["Bonn"], "area": [80.0]}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moved.yaml", "runs"]


@pytest.mark.slow
@pytest.mark.xdist_group("estimators")
def test_a_sigmoid_tells_two_classes_apart() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    points = np.random.default_rng(0).normal(size=(200, 2))
    side = np.where(points[:, 0] > points[:, 1], "right", "left")
    pipeline = make_pipeline(StandardScaler(), dlspec.DlspecClassifier(YES_OR_NO)).fit(points, side)
    scores = pipeline.predict_proba(points)
    assert list(pipeline.classes_) == ["left", "right"] and pipeline.score(points, side) > 0.9
    assert scores.shape == (200, 2) and scores.sum(axis=1) == pytest.approx(1)
    assert (pipeline.classes_[scores.argmax(axis=1)] == pipeline.predict(points)).all()
    spec = dlspec.load(YES_OR_NO, {"train.epochs": 1})
    assert dlspec.DlspecClassifier(spec).fit(points, side).run_.report["epochs"] == 1
