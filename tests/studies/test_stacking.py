"""Stacking against scikit-learn's, by the command line, and its one model in plain Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline

from tests.studies.test_ensembles import _answers
from tests.studies.test_kills import _facts, killed_again_and_again
from tests.studies.test_studies import cli
from tests.support import dlspec

# Ridge regression of other columns for each member, in closed form, of numbers or of classes 0 and 1.
RIDGE = """
name: ridge
layers: [dense: {{units: 1, name: y}}]
data: {{inputs: {{{name}: {{columns: [{columns}]}}}}}}
train: {{method: {{least_squares: {{l2: 2.0}}}}, loss: mean_squared_error}}
"""
STACK = """
name: stack
layers:
  - concatenate: [first, second]
  - dense: {{units: 1, name: y}}
data:
  source: {{sklearn: {set}}}
  targets: {{y: {{column: target}}}}
  split: {{test: 0.2, seed: 3}}
train:
  method: {{stacking: {{members: {{first: first.yaml, second: second.yaml}}, folds: 4}}}}
  loss: mean_squared_error
  metrics: [mean_absolute_error]
  epochs: 2
"""


def _written(folder: Path, name: str, first: list[str], second: list[str]) -> Path:
    for file, columns in (("first", first), ("second", second)):
        (folder / f"{file}.yaml").write_text(RIDGE.format(name=f"of_{file}", columns=", ".join(columns)))
    spec = folder / "stack.yaml"
    spec.write_text(STACK.format(set=name))
    return spec


class _Last(BaseEstimator):
    """The last estimator of a stack, which keeps what it is given."""

    given: ClassVar[Any] = None

    def fit(self, features: Any, target: Any) -> _Last:
        self.classes_ = np.unique(target)
        _Last.given = features
        return self

    def predict(self, features: Any) -> Any:
        return features[:, 0]


class _LastOfNumbers(RegressorMixin, _Last):
    """One for numbers."""


class _LastOfClasses(ClassifierMixin, _Last):
    """One for classes."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["diabetes", "breast_cancer"])
def test_answers_out_of_fold_are_those_of_scikit_learn(tmp_path: Path, name: str) -> None:
    """Of ridge regressions on the same folds; for the test split, those of members of all training examples."""
    load: Any = load_diabetes if name == "diabetes" else load_breast_cancer
    kind: Any
    last: Any
    ridge: Any
    names = [str(each).replace(" ", "_") for each in load().feature_names]
    x, y = load(return_X_y=True)
    spec = _written(tmp_path, name, names[:3], names[2:7])
    code, out, err = cli("train", str(spec), "--run", str(tmp_path / "study"), "-q")
    assert code == 0, out + err
    study = tmp_path / "study"
    facts = json.loads((study / "study.json").read_text())
    table = dict(np.load(study / "out_of_fold.npz"))
    train, test = (table["row"][table["part"] == part] for part in ("train", "test"))
    folds = [_fold(study, member, train) for member in facts["members"][:4]]
    assert sorted(np.concatenate([own for _, own in folds]).tolist()) == list(range(len(train)))
    kind, last, ridge = StackingClassifier, _LastOfClasses, RidgeClassifier
    if name == "diabetes":
        kind, last, ridge = StackingRegressor, _LastOfNumbers, Ridge
    columns = {"first": [0, 1, 2], "second": [2, 3, 4, 5, 6]}
    own = {each: ColumnTransformer([("own", "passthrough", chosen)]) for each, chosen in columns.items()}
    estimators = [(each, make_pipeline(chosen, ridge(alpha=2.0))) for each, chosen in own.items()]
    stack = kind(estimators, final_estimator=last(), cv=folds)
    stack.fit(x[train].astype(np.float32).astype(float), y[train])
    theirs, answers = _Last.given, stack.transform(x[test].astype(np.float32).astype(float))
    ours = np.hstack([table["first"], table["second"]])
    if name != "diabetes":  # theirs are decisions around 0
        ours = 2 * ours - 1
    scale = np.abs(theirs).max()
    assert np.abs(ours[table["part"] == "train"] - theirs).max() < 1e-6 * max(scale, 1)
    assert np.abs(ours[table["part"] == "test"] - answers).max() < 1e-6 * max(scale, 1)


def _fold(study: Path, member: dict[str, Any], train: Any) -> tuple[Any, Any]:
    """Positions in the training split of what a member was trained on, and of what it answered."""
    with np.load(study / member["folder"] / "answers.npz") as arrays:
        own = np.searchsorted(train, np.sort(arrays["rows"]))
    return np.setdiff1d(np.arange(len(train)), own), own


@pytest.mark.slow
def test_the_kept_model_is_its_members_and_what_combines_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One Keras model of the columns of all members; evaluated, asked and exported as any other."""
    monkeypatch.chdir(tmp_path)
    names = [str(each) for each in load_diabetes().feature_names]
    spec = _written(tmp_path, "diabetes", names[:3], names[2:7])
    code, out, err = cli("train", str(spec), "--run", "study", "-q")
    assert code == 0, out + err
    study = tmp_path / "study"
    facts = json.loads((study / "study.json").read_text())
    assert facts["finished"] and [line["count"] for line in facts["summaries"]] == [2] * len(facts["summaries"])
    x = load_diabetes().data.astype(np.float32)
    inputs = {"of_first": x[:, :3], "of_second": x[:, 2:7]}
    whole = [study / member["folder"] for member in facts["members"] if "fold" not in member["title"]]
    members = [_only(_answers(run, {key: inputs[key]})) for run, key in zip(whole, inputs, strict=True)]
    given = {"first": members[0].astype(np.float32), "second": members[1].astype(np.float32)}
    expected = _only(_answers(study / "combining", given))
    assert np.allclose(_only(_answers(study / "model", inputs)), expected, rtol=1e-5)
    code, out, err = cli("evaluate", "study", "--part", "test", "--format", "json")
    assert code == 0 and "W613" not in err, err
    own = json.loads((study / "combining" / "report.json").read_text())["metrics"]["test"]
    for key, value in json.loads(out)["metrics"]["test"].items():
        assert np.isclose(value, facts["kept"]["test"][key], rtol=1e-5) and np.isclose(value, own[key], rtol=1e-5)
    (tmp_path / "new.csv").write_text(",".join(names) + "\n" + ",".join(map(repr, x[0].tolist())) + "\n")
    code, out, err = cli("predict", "study", "new.csv", "--format", "json")
    assert code == 0 and np.isclose(json.loads(out)[0]["y"], expected[0, 0], rtol=1e-5), err
    (tmp_path / "first.yaml").unlink()  # runs keep the specs of the members
    code, out, err = cli("export", "study", "--to", "onnx", "-o", "stack.onnx")
    assert code == 0 and "largest difference" in out, err


def _only(answers: dict[str, Any]) -> Any:
    (answer,) = answers.values()
    return answer


@pytest.mark.slow
def test_a_killed_stacking_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """The same figures and answers, no training done twice; and two workers find what one finds."""
    names = [str(each) for each in load_diabetes().feature_names]
    spec = _written(tmp_path, "diabetes", names[:3], names[2:7])
    for study, workers in (("whole", "1"), ("two", "2")):
        done = dlspec("train", str(spec), "--run", str(tmp_path / study), "-q", "--workers", workers)
        assert done.returncode == 0, done.stderr
    killed_again_and_again(spec, tmp_path / "killed", 4, 2, 14)
    for study in ("killed", "two"):
        assert _facts(tmp_path / study) == _facts(tmp_path / "whole")
        ours, theirs = (dict(np.load(tmp_path / name / "out_of_fold.npz")) for name in (study, "whole"))
        assert all((ours[key] == theirs[key]).all() for key in theirs)


def test_parameters_of_the_spec_stand_in_what_members_share(tmp_path: Path) -> None:
    """`$name` in `data` means the same for them; a name of theirs stays theirs."""
    _written(tmp_path, "diabetes", ["age"], ["bmi"])
    text = (tmp_path / "stack.yaml").read_text()
    text = text.replace("test: 0.2", "test: $share").replace("name: stack\n", "name: stack\nparams: {share: 0.3}\n")
    (tmp_path / "stack.yaml").write_text(text)
    member = (tmp_path / "first.yaml").read_text()
    member = member.replace("units: 1", "units: $width").replace("name: ridge\n", "name: ridge\nparams: {width: 1}\n")
    (tmp_path / "first.yaml").write_text(member)
    code, out, _ = cli("check", str(tmp_path / "stack.yaml"))
    assert code == 0 and "ok" in out
    code, out, _ = cli("check", str(tmp_path / "stack.yaml"), "--set", "params.share=2")
    assert code == 1 and "E615" in out
    code, out, _ = cli("check", str(tmp_path / "stack.yaml"), "--set", "train.method.stacking.members.first=a/b.yaml")
    assert code == 1 and "E601" in out


def test_a_search_and_a_project_are_refused(tmp_path: Path) -> None:
    """In words, before anything starts."""
    spec = _written(tmp_path, "diabetes", ["age"], ["bmi"])
    spec.write_text(spec.read_text() + "params: {rate: {float: [0.1, 0.2]}}\ntune: {trials: 2}\n")
    code, out, _ = cli("check", str(spec), "--set", "train.optimizer={adam: $rate}")
    assert code == 1 and "E536" in out and "a search compares single trainings" in out
    spec = _written(tmp_path, "diabetes", ["age"], ["bmi"])
    code, _, err = cli("export", str(spec), "--project", str(tmp_path / "project"))
    assert code == 1 and "the study `stacking`" in err
