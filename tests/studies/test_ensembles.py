"""Studies that keep one model of all members, or the best member: by the command line and by plain Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier

from dlspec.data.binding.binding import bind
from dlspec.data.binding.findings import Findings
from dlspec.data.order.splits import choose
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Bound
from tests.studies.test_studies import SPEC, cli

# Numbers with gaps, texts and classes; two outputs, one of them of prepared numbers and one of scores before a sigmoid.
MIXED = """
name: mixed
inputs: {{numbers: [4], words: {{shape: [3], dtype: int64}}}}
layers:
  - embedding: {{input_dim: 20, output_dim: 3, from: words}}
  - flatten: {{name: meaning}}
  - concatenate: {{from: [numbers, meaning], name: both}}
  - dense: {{units: 8, activation: relu, from: both, name: inner}}
  - dense: {{units: 1, from: inner, name: sold}}
  - dense: {{units: 3, from: inner, name: kind}}
  - dense: {{units: 1, from: inner, name: price}}
outputs: [sold, kind, price]
data:
  source: {{csv: t.csv}}
  inputs:
    numbers: {{columns: [a, b], missing: {{median: {{indicator: true}}}}, prepare: [normalization]}}
    words: {{column: text, prepare: [{{text_vectorization: {{max_tokens: 20, output_sequence_length: 3}}}}]}}
  targets:
    sold: {{column: sold}}
    kind: {{column: kind}}
    price: {{column: price, prepare: [normalization]}}
  split: {{test: 0.2, validation: 0.1}}
train:
  method: {method}
  loss:
    sold: {{binary_crossentropy: {{from_logits: true}}}}
    kind: {{sparse_categorical_crossentropy: {{from_logits: true}}}}
    price: mean_squared_error
  metrics: {{kind: [accuracy], price: [mean_absolute_error]}}
  epochs: 2
"""


def _table(folder: Path) -> dict[str, Any]:
    """Writes 120 rows, and gives the inputs of all of them as a saved model takes them."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(120, 2)).astype(np.float32)
    numbers[::7, 0] = np.nan
    texts = [" ".join(random.choice(["red", "green", "blue", "old"], 3)) for _ in range(120)]
    kinds = random.choice(["x", "y", "z"], 120)
    rows = [
        f"{'' if np.isnan(a) else repr(float(a))},{float(b)!r},{text},{int(b > 0)},{kind},{100 + 30 * b:.3f}"
        for (a, b), text, kind in zip(numbers, texts, kinds, strict=True)
    ]
    (folder / "t.csv").write_text("\n".join(["a,b,text,sold,kind,price", *rows]) + "\n")
    return {"numbers": numbers, "words": np.array(texts, dtype=object)}


def _study(folder: Path, spec: str) -> tuple[Path, dict[str, Any]]:
    (folder / "spec.yaml").write_text(spec)
    code, out, err = cli("train", str(folder / "spec.yaml"), "--run", str(folder / "study"), "-q")
    assert code == 0, out + err
    facts: dict[str, Any] = json.loads((folder / "study" / "study.json").read_text())
    return folder / "study", facts


def _answers(run: Path, inputs: dict[str, Any]) -> dict[str, Any]:
    """What plain Keras answers; layers of dlspec in the file are standalone."""
    import keras

    import dlspec.keras_layers  # noqa: F401  those that fill in gaps

    model = keras.saving.load_model(run / "model.keras", compile=False)
    tensors = {name: keras.ops.convert_to_tensor(values.tolist()) for name, values in inputs.items()}
    entering = [tensors[tensor.name] for tensor in model.inputs]
    given = model(entering if len(entering) > 1 else entering[0])
    if not isinstance(given, dict):  # a single output may be called as the model around its preparation
        given = dict(zip(model.output_names, given, strict=True)) if isinstance(given, list) else {"kind": given}
    return {name: np.asarray(values, np.float64) for name, values in given.items()}


def _softmax(scores: Any) -> Any:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["{k_fold: {folds: 3, keep: ensemble}}", "{seeds: {count: 3, keep: ensemble}}"])
def test_an_ensemble_gives_the_mean_of_its_members(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Of numbers in the units of the data, and of probabilities where outputs are scores; gaps and texts enter."""
    monkeypatch.chdir(tmp_path)
    inputs = _table(tmp_path)
    study, facts = _study(tmp_path, MIXED.format(method=method))
    own = [_answers(study / member["folder"], inputs) for member in facts["members"]]
    kept = _answers(study / facts["model"], inputs)
    assert np.allclose(kept["price"], np.mean([each["price"] for each in own], axis=0), rtol=1e-6)
    sold = np.mean([1 / (1 + np.exp(-each["sold"])) for each in own], axis=0)
    assert np.allclose(1 / (1 + np.exp(-kept["sold"])), sold, atol=1e-6)
    kind = np.mean([_softmax(each["kind"]) for each in own], axis=0)
    assert np.allclose(_softmax(kept["kind"]), kind, atol=1e-6)
    assert not np.allclose(own[0]["kind"], own[1]["kind"], atol=1e-3)  # members differ
    code, out, err = cli("evaluate", "study", "--part", "test", "--format", "json")
    assert code == 0 and "W613" not in err, err
    measured, reported = json.loads(out)["metrics"]["test"], facts["kept"]["test"]
    assert measured.keys() == reported.keys() and all(
        np.isclose(measured[name], reported[name], atol=1e-5) for name in measured
    )
    code, out, err = cli("predict", "study", "t.csv", "--format", "json")
    assert code == 0, err
    rows = json.loads(out)
    assert np.allclose([row["price"] for row in rows], kept["price"][:, 0], rtol=1e-5)
    assert [row["kind"] for row in rows] == [np.array(["x", "y", "z"])[i] for i in kind.argmax(axis=1)]


def test_the_kept_ensemble_leaves_like_any_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is evaluated and exported; its figures stand in the study and on its page."""
    monkeypatch.chdir(tmp_path)
    study, facts = _study(tmp_path, SPEC.format(method="{k_fold: {folds: 2, keep: ensemble}}"))
    assert facts["kept"].keys() == {"train", "test"}  # members were trained on the validation split of each other
    own = json.loads((study / "model" / "report.json").read_text())
    assert own["data"]["examples"] == {"train": 142, "validation": 0, "test": 36}
    assert "test" in (study / "report.html").read_text()
    for target in ("keras", "onnx"):
        code, out, err = cli("export", "study", "--to", target, "-o", f"wine.{target}")
        assert code == 0 and "largest difference" in out, err
    before = (study / "model" / "report.json").stat().st_mtime_ns
    document = study / "study.json"
    document.write_text(document.read_text().replace('"finished": true', '"finished": false'))
    assert cli("train", "spec.yaml", "--run", "study", "-q")[0] == 0
    assert (study / "model" / "report.json").stat().st_mtime_ns == before  # nor is it made twice


def test_the_best_member_becomes_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the validation split of the seeds, by the folds of a cross-validation."""
    monkeypatch.chdir(tmp_path)
    study, facts = _study(tmp_path, SPEC.format(method="{k_fold: {folds: 3, keep: best}}"))
    losses = [member["measures"]["test"]["loss"] for member in facts["members"]]
    best = facts["members"][int(np.argmin(losses))]
    assert (study / "model" / "model.keras").read_bytes() == (study / best["folder"] / "model.keras").read_bytes()
    code, out, err = cli("evaluate", "study", "--part", "test", "--format", "json")
    assert code == 0, err
    assert np.isclose(json.loads(out)["metrics"]["test"]["loss"], min(losses), rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("{seeds: {count: 2, keep: best}}", ["data.split.validation=0"], "the split has no `validation`"),
        ("{k_fold: {folds: 2, keep: ensemble}}", ["train.calibration=temperature"], "`calibration` changes"),
    ],
)
def test_what_gives_no_one_model_is_refused(tmp_path: Path, method: str, changes: list[str], message: str) -> None:
    """Before TensorFlow loads."""
    spec = tmp_path / "wine.yaml"
    spec.write_text(SPEC.format(method=method))
    code, out, _ = cli("check", str(spec), *[part for change in changes for part in ("--set", change)])
    assert code == 1 and "E546" in out and message in out and "keep: refit" in out


def _rows(run: Path) -> Any:
    """The rows of the source that train a run, as often as an epoch visits them."""
    state = compile_spec(run / "spec.yaml", (), Workspace(run))
    assert isinstance(state, Bound) and state.data_section is not None
    binding = bind(state.data_section, run, None, state.method, Findings())
    assert binding is not None
    return choose(state.data_section, binding.table, binding.count, as_often=True).train


class _Replayed:
    """A classifier of scikit-learn's kind that answers for row numbers what a member answered."""

    def __init__(self, shares: Any) -> None:
        self.shares = shares

    def predict_proba(self, rows: Any) -> Any:
        return self.shares[rows[:, 0]]


class _Bag(BaggingClassifier):
    """With members that are fitted already."""

    @property
    def estimators_samples_(self) -> Any:
        return self.drawn


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores", "ignore:invalid value encountered in divide")
def test_out_of_bag_figures_are_those_of_scikit_learn(tmp_path: Path) -> None:
    """Of the same draws and members: `oob_score_`, and the crossentropy of `oob_decision_function_`."""
    study, facts = _study(tmp_path, SPEC.format(method="{bagging: 8}"))
    x, y = load_wine(return_X_y=True)
    folders = [study / member["folder"] for member in facts["members"]]
    train, drawn = _rows(study / facts["model"]), [_rows(folder) for folder in folders]
    assert all(len(own) == len(train) and 0.5 < len(set(own)) / len(own) < 0.75 for own in drawn)
    bag = _Bag(n_estimators=8)
    bag.classes_, bag.n_classes_ = np.arange(3), 3
    bag.drawn = [np.searchsorted(train, own) for own in drawn]
    bag.estimators_features_ = [np.arange(1)] * 8
    bag.estimators_ = [_Replayed(_answers(folder, {"x": x.astype(np.float32)})["kind"]) for folder in folders]
    bag.estimators_ = [_Replayed(each.shares[train]) for each in bag.estimators_]
    bag._set_oob_score(np.arange(len(train)).reshape(-1, 1), y[train])
    measured = facts["kept"]["oob"]
    answered = np.isfinite(bag.oob_decision_function_).all(axis=1)  # some rows may stand in every draw
    assert answered.mean() > 0.9
    shares, classes = bag.oob_decision_function_[answered], y[train][answered]
    assert np.isclose(measured["accuracy"], (shares.argmax(axis=1) == classes).mean(), atol=1e-6)
    assert np.isclose(measured["loss"], -np.log(shares[np.arange(len(classes)), classes]).mean(), atol=1e-5)


def test_groups_are_drawn_as_a_whole() -> None:
    """Whoever is drawn comes with all rows; a time or a class decides nothing."""
    from dlspec.components.sections.split import Split
    from dlspec.components.sections.splitters import Grouped
    from dlspec.data.order.folds import drawn

    train, groups = np.arange(100, 140), np.repeat(np.arange(8), 5)
    chosen = drawn(Split(by=Grouped(column="g"), bootstrap=3), train, groups)
    times = np.bincount(chosen - 100, minlength=40).reshape(8, 5)
    assert (times == times[:, :1]).all() and times[:, 0].sum() == 8 and (times > 1).any()
    others = [drawn(Split(bootstrap=number), train, None) for number in (1, 1, 2)]
    assert (others[0] == others[1]).all() and (others[0] != others[2]).any() and len(others[0]) == 40


class _Following(ClassifierMixin, BaseEstimator):
    """A member of a boosting that answers for row numbers what ours answered, and keeps its weights."""

    guesses: ClassVar[list[Any]] = []
    weights: ClassVar[list[Any]] = []

    def fit(self, rows: Any, classes: Any, sample_weight: Any = None) -> _Following:
        self.classes_ = np.unique(classes)
        self.guess = self.guesses[len(self.weights)]
        self.weights.append(np.array(sample_weight))
        return self

    def predict(self, rows: Any) -> Any:
        return self.classes_[self.guess[rows[:, 0].astype(int)]]


@pytest.mark.parametrize(
    ("source", "load", "head", "loss"),
    [
        pytest.param(
            "wine",
            load_wine,
            "units: 3, activation: softmax",
            "sparse_categorical_crossentropy",
            marks=pytest.mark.slow,
            id="wine",
        ),
        pytest.param(
            "iris", load_iris, "units: 3", "{sparse_categorical_crossentropy: {from_logits: true}}", id="scores of iris"
        ),
        pytest.param(
            "breast_cancer",
            load_breast_cancer,
            "units: 1, activation: sigmoid",
            "binary_crossentropy",
            marks=pytest.mark.slow,
            id="breast cancer",
        ),
    ],
)
def test_votes_and_weights_are_those_of_scikit_learn(
    tmp_path: Path, source: str, load: Any, head: str, loss: str
) -> None:
    """SAMME by the answers of linear members: weights of the examples, votes, probabilities and measures."""
    spec = SPEC.format(method="{boosting: {members: 3, learning_rate: 0.8}}").replace(
        "sklearn: wine", f"sklearn: {source}"
    )
    spec = spec.replace("units: 3, activation: softmax", head).replace(
        "loss: sparse_categorical_crossentropy", f"loss: {loss}"
    )
    study, facts = _study(tmp_path, spec.replace("epochs: 2", "optimizer: {adam: {learning_rate: 0.01}}, epochs: 3"))
    x, y = load(return_X_y=True)
    inputs = {"x": x.astype(np.float32)}
    folders = [study / member["folder"] for member in facts["members"] if member["status"] == "finished"]
    train = _rows(study / facts["model"])
    answers = [_answers(folder, inputs)["kind"] for folder in folders]
    guesses = [each.argmax(axis=1) if each.shape[1] > 1 else (each[:, 0] > 0.5).astype(int) for each in answers]
    _Following.guesses, _Following.weights = [guess[train] for guess in guesses], []
    theirs = AdaBoostClassifier(_Following(), n_estimators=len(folders), learning_rate=0.8)
    rows = np.arange(len(train)).reshape(-1, 1)
    theirs.fit(rows, y[train])
    votes = [member["vote"] for member in facts["members"] if member["status"] == "finished"]
    assert len(votes) >= 2 and np.allclose(theirs.estimator_weights_, votes, rtol=1e-6)
    for number, weights in enumerate(_Following.weights[1:], 2):
        written = np.array((study / "weights" / f"{number}.csv").read_text().split()[1:], float)
        assert np.allclose(written[train] / len(train), weights, rtol=1e-6) and len(written) == len(y)
        assert (np.delete(written, train) == 1).all()
    kept = _answers(study / facts["model"], inputs)["kind"][train]
    kept = _softmax(kept) if "from_logits" in loss else kept
    assert np.allclose(kept[:, -1], theirs.predict_proba(rows)[:, -1], atol=1e-6)
    if source == "wine":
        _check_member(study, folders[1], train)


def _check_member(study: Path, folder: Path, train: Any) -> None:
    """The weights of a member decide its loss; it is an ordinary run, and members follow one another."""
    report = json.loads((folder / "report.json").read_text())
    assert "weights" in json.loads((folder / "identity.json").read_text())["data"]
    code, out, err = cli("evaluate", str(folder), "--part", "test", "--format", "json", "--allow-outside")
    assert code == 0, err
    assert np.isclose(json.loads(out)["metrics"]["test"]["loss"], report["metrics"]["test"]["loss"], rtol=1e-5)
    code, _, err = cli("train", str(study.parent / "spec.yaml"), "--workers", "2")
    assert code == 2 and "follow one another" in err
    for target, name in (("onnx", "a.onnx"), ("keras", "a.keras")):
        code, out, err = cli("export", str(study), "--to", target, "-o", str(study / name))
        assert code == 0 and "largest difference" in out, err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\n1\n", "has no column `weight` alone"),
        ("weight\n1\n2\n", "has 2 weights, and the source 178 rows"),
        ("weight\n" + "1\n" * 177 + "x\n", "holds something else than numbers"),
        ("weight\n" + "1\n" * 177 + "-1\n", "holds weights that are no numbers from 0 on"),
    ],
)
def test_files_of_weights_are_checked(tmp_path: Path, text: str, message: str) -> None:
    """A number from 0 on for each row."""
    (tmp_path / "w.csv").write_text(text)
    (tmp_path / "wine.yaml").write_text(SPEC.format(method="supervised"))
    code, out, _ = cli("check", str(tmp_path / "wine.yaml"), "--set", "data.weight_file=w.csv")
    assert code == 1 and "E616" in out and message in out


def test_a_file_of_weights_is_for_the_rows_of_one_source(tmp_path: Path) -> None:
    """Rows of several sources have no row of their own in it."""
    (tmp_path / "w.csv").write_text("weight\n" + "1\n" * 178)
    (tmp_path / "two.yaml").write_text(
        """
        layers: [{concatenate: [x, y]}, {dense: 1}, {ops.mean: {axis: -1, name: total}}]
        data:
          sources: {a: {sklearn: wine}, b: {sklearn: iris}}
          inputs: {x: {source: a, column: data}, y: {source: b, column: data}}
          weight_file: w.csv
        train: {minimize: total}
        """
    )
    code, out, _ = cli("check", str(tmp_path / "two.yaml"))
    assert code == 1 and "E616" in out and "`weight_file` is for the rows of a single source" in out


def test_a_first_member_no_better_than_chance_ends_a_boosting(tmp_path: Path) -> None:
    """It answers the first class, which less than a third of the wines are."""
    spec = tmp_path / "wine.yaml"
    text = SPEC.format(method="{boosting: 2}").replace("units: 3,", "units: 3, kernel_initializer: zeros,")
    spec.write_text(text.replace("epochs: 2", "epochs: 1, optimizer: {sgd: 1e-12}"))
    code, _, err = cli("train", str(spec), "--run", str(tmp_path / "study"), "-q")
    assert code == 1 and "E548" in err and "no better than chance" in err and "train longer" in err
