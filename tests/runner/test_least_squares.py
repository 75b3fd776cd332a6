"""Least squares in closed form: weights, penalties and condition against scikit-learn, kills, searches, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_linnerud
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from dlspec.data.binding.binding import bind
from dlspec.data.binding.findings import Findings
from dlspec.data.order.splits import choose
from dlspec.passes import compile_spec
from dlspec.passes.state import Bound
from tests.killing import kill_when
from tests.studies.test_studies import cli
from tests.support import dlspec

SPEC = """
name: ridge
layers: {layers}
data:
  source: {{npz: set.npz}}
  inputs: {{x: {{column: x}}}}
  targets: {{answer: {{column: y}}}}
  split: {{test: 0.25}}
  batch_size: 16
  shuffle: false
train: {{method: {{least_squares: {{l2: {l2}}}}}, metrics: [mae], seed: 4}}
"""


def _set(folder: Path, source: str) -> tuple[Any, Any]:
    """Writes features of mean 0 and variance 1, and targets; gives both as they are read."""
    if source == "diabetes":
        x, y = load_diabetes(return_X_y=True)
    elif source == "linnerud":
        x, y = load_linnerud(return_X_y=True)
    else:
        measured = load_breast_cancer().data
        x, y = measured[:, 1:], measured[:, 0]
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    y = y.reshape(len(x), -1).astype(np.float32)
    np.savez(folder / "set.npz", x=x, y=y)
    return x.astype(np.float64), y.astype(np.float64)


def _trained(folder: Path, layers: str, l2: Any, *options: str) -> tuple[Path, dict[str, Any], list[Any]]:
    """A new run, its report, and its weights."""
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    (folder / "ridge.yaml").write_text(SPEC.format(layers=layers, l2=l2))
    run = folder / f"run{len(list(folder.glob('run*')))}"
    code, out, err = cli("train", str(folder / "ridge.yaml"), "--run", str(run), "-q", *options)
    assert code == 0, out + err
    report: dict[str, Any] = json.loads((run / "report.json").read_text())
    weights = [np.asarray(variable, np.float64) for variable in open_run(Run(run)).model.weights]
    return run, report, weights


def _rows(folder: Path) -> Any:
    """The rows of the training split, in their order."""
    state = compile_spec(folder / "ridge.yaml")
    assert isinstance(state, Bound) and state.data_section is not None
    binding = bind(state.data_section, folder, None, state.method, Findings())
    assert binding is not None
    return choose(state.data_section, binding.table, binding.count).train


def _layers(y: Any, options: str = "") -> str:
    return f"[{{dense: {{units: {y.shape[1]}, name: answer{options}}}}}]"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["diabetes", "linnerud", "breast cancer"])
def test_weights_are_those_of_scikit_learn(tmp_path: Path, source: str) -> None:
    """Of ridge regression with a penalty that cross-validation chooses, relative to the largest to 1e-6."""
    x, y = _set(tmp_path, source)
    _, report, (kernel, bias) = _trained(tmp_path, _layers(y), [0.01, 1, 30, 100])
    train = _rows(tmp_path)
    folds = PredefinedSplit(np.arange(len(train)) % 5)
    search = GridSearchCV(Ridge(), {"alpha": [0.01, 1, 30, 100]}, cv=folds, scoring=_summed_errors)
    search.fit(x[train], y[train])
    facts = {name: fact["value"] for name, fact in report["method_facts"].items()}
    assert facts["l2"] == search.best_params_["alpha"]
    coefficients = search.best_estimator_.coef_.reshape(y.shape[1], -1).T
    assert np.abs(kernel - coefficients).max() <= 1e-6 * np.abs(coefficients).max()
    assert np.allclose(bias, search.best_estimator_.intercept_, rtol=1e-6)
    apart = x[train] - x[train].mean(axis=0)
    condition = np.linalg.cond(apart.T @ apart + facts["l2"] * np.eye(x.shape[1]))
    assert np.isclose(facts["condition"], condition, rtol=1e-4)


def _summed_errors(model: Any, x: Any, y: Any) -> float:
    """Folds differ by an example: errors are summed, as all of them count alike."""
    return -float(((model.predict(x).reshape(y.shape) - y) ** 2).sum())


@pytest.mark.slow
def test_without_penalty_bias_or_full_rank(tmp_path: Path) -> None:
    """Ordinary least squares through the origin; of features that follow from others, the shortest weights."""
    x, y = _set(tmp_path, "diabetes")
    _, report, (kernel,) = _trained(tmp_path, _layers(y, ", use_bias: false"), 0)
    train = _rows(tmp_path)
    theirs = LinearRegression(fit_intercept=False).fit(x[train], y[train])
    assert np.abs(kernel - theirs.coef_.T).max() <= 1e-6 * np.abs(theirs.coef_).max()
    doubled = np.hstack([x, 2 * x[:, :3]])
    np.savez(tmp_path / "set.npz", x=doubled.astype(np.float32), y=y.astype(np.float32))
    _, report, (kernel, _) = _trained(tmp_path, _layers(y), 0)
    theirs = LinearRegression().fit(doubled[train], y[train])
    assert np.abs(kernel - theirs.coef_.T).max() <= 1e-5 * np.abs(theirs.coef_).max()
    assert report["method_facts"]["condition"]["value"] == "infinite: rank 10 of 13"


@pytest.mark.slow
def test_the_last_layer_of_a_frozen_graph(tmp_path: Path) -> None:
    """What is before it keeps its random weights; examples count as they weigh."""
    x, y = _set(tmp_path, "diabetes")
    weights = np.random.default_rng(0).uniform(0, 2, len(x)).astype(np.float32)
    np.savez(tmp_path / "set.npz", x=x.astype(np.float32), y=y.astype(np.float32), w=weights)
    layers = "[{dense: {units: 40, activation: tanh, name: random}}, {dense: {units: 1, name: answer}}]"
    run, _, (inner, offset, kernel, bias) = _trained(tmp_path, layers, 1, "--set", "data.weight=w")
    train = _rows(tmp_path)
    features = np.tanh(x @ inner + offset)[train]
    theirs = Ridge(alpha=1).fit(features, y[train], sample_weight=weights[train])
    assert np.abs(kernel - theirs.coef_.reshape(-1, 1)).max() <= 2e-5 * np.abs(theirs.coef_).max()
    assert np.isclose(bias[0], theirs.intercept_[0], rtol=1e-5)
    code, out, err = cli("evaluate", str(run), "--part", "test", "--format", "json", "--allow-outside")
    assert code == 0, err
    code, _, err = cli("export", str(tmp_path / "ridge.yaml"), "--project", str(tmp_path / "project"))
    assert code == 1 and "E705" in err and "least_squares" in err
    code, out, err = cli("export", str(run), "--to", "onnx", "-o", str(tmp_path / "a.onnx"))
    assert code == 0 and "largest difference" in out, err


@pytest.mark.slow
def test_a_killed_pass_goes_on(tmp_path: Path) -> None:
    """The sums stand in the checkpoint: the same weights, bit for bit."""
    random = np.random.default_rng(1)
    x = random.normal(size=(60_000, 40)).astype(np.float32)
    np.savez(tmp_path / "set.npz", x=x, y=(x[:, :1] * 3 + random.normal(size=(60_000, 1))).astype(np.float32))
    (tmp_path / "ridge.yaml").write_text(
        SPEC.format(layers="[{dense: {units: 1, name: answer}}]", l2="[0.1, 1]").replace("seed: 4", "checkpoint: 0")
    )
    spec = str(tmp_path / "ridge.yaml")
    checkpoints = tmp_path / "killed" / "checkpoints"
    kill_when(lambda: any(checkpoints.glob("0*.checkpoint")), "train", spec, "--run", str(tmp_path / "killed"), "-q")
    for run in ("killed", "whole"):
        done = dlspec("train", spec, "--run", str(tmp_path / run), "-q")
        assert done.returncode == 0, done.stderr
    weights = [_weights_of(tmp_path / run) for run in ("killed", "whole")]
    assert all((mine == theirs).all() for mine, theirs in zip(*weights, strict=True))
    assert abs(weights[0][0][0, 0] - 3) < 0.05


def _weights_of(run: Path) -> list[Any]:
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    return [np.asarray(variable) for variable in open_run(Run(run)).model.weights]


@pytest.mark.slow
def test_a_search_varies_the_penalty(tmp_path: Path) -> None:
    """It stands below the name of the method."""
    _set(tmp_path, "diabetes")
    text = SPEC.format(layers="[{dense: {units: 1, name: answer}}]", l2="$l2").replace("test: 0.25", "validation: 0.25")
    search = "params: {l2: {choice: [0.01, 1000.0]}}\ntune: {algorithm: grid, trials: 2, objective: val_loss}\n"
    (tmp_path / "ridge.yaml").write_text(text + search)
    done = dlspec("tune", str(tmp_path / "ridge.yaml"), "--runs", str(tmp_path / "runs"))
    assert done.returncode == 0 and "2 completed" in done.stdout and "l2=1000" in done.stdout, done.stderr
