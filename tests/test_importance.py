"""``dlspec importance``: scikit-learn's permutation importance, and the mean answers over the values of a column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.support import as_documented

pytestmark = pytest.mark.slow

# `area` enters twice, `noise` decides nothing, `kind` is a word, `gap` has missing values.
HOUSES = """
name: houses
layers:
  - dense: {units: 8, activation: relu, from: numbers, name: wide}
  - embedding: {input_dim: 5, output_dim: 2, from: kind, name: vector}
  - concatenate: {from: [wide, vector, again]}
  - dense: {units: 1, activation: sigmoid, name: sold}
outputs: [sold]
data:
  source: {csv: houses.csv}
  inputs:
    numbers: {columns: [rooms, area, gap], missing: median, prepare: [normalization]}
    again: {columns: [area, noise], prepare: [normalization]}
    kind: {column: kind, prepare: [string_lookup]}
  targets: {sold: sold}
  split: {validation: 0.2, test: 0.3, seed: 3}
train: {loss: binary_crossentropy, optimizer: {adam: 0.05}, metrics: [accuracy], epochs: 4}
"""
DIABETES = """
name: diabetes
layers: [{dense: {units: 1, kernel_initializer: zeros}}]
data:
  source: {sklearn: diabetes}
  inputs: {x: {column: data, prepare: [normalization]}}
  targets: {progress: target}
  split: {validation: 0.2, test: 0}
train: {loss: mse, optimizer: {sgd: 0.1}, epochs: 3}
"""
PICTURES = """
name: pictures
inputs: {image: [8, 8]}
layers: [flatten, {dense: {units: 10, activation: softmax}}]
data: {source: {sklearn: digits}, inputs: {image: {column: images}}, targets: {digit: target}}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""
KINDS = ("cabin", "flat", "villa")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each spec."""
    folder = tmp_path_factory.mktemp("importance")
    chance = np.random.default_rng(0)
    lines = ["rooms,area,gap,noise,kind,sold"]
    for row in range(240):
        rooms, area, gap, noise = chance.normal(size=4)
        kind = int(chance.integers(3))
        sold = "yes" if area + 0.5 * rooms + (kind - 1) + 0.3 * chance.normal() > 0 else "no"
        lines.append(f"{rooms:.3f},{area:.3f},{'' if row % 7 == 0 else f'{gap:.3f}'},{noise:.3f},{KINDS[kind]},{sold}")
    (folder / "houses.csv").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for text in (HOUSES, DIABETES, PICTURES):
            (folder / "spec.yaml").write_text(text)
            assert run(["train", "spec.yaml", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(["importance", *arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return as_documented("output/importance", asked(capsys, *arguments, "--format", "json"))


def kept(name: str) -> Any:
    import keras

    (path,) = Path("runs", name).glob("*/model.keras")
    return keras.saving.load_model(path, compile=False)


def houses_of(part: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows of rooms, area, gap, noise and kind, and whether they were sold, as the run divided them."""
    from dlspec.training.evaluate import own_examples
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    ((_, found),) = own_examples(open_run(find_run("houses", Path("runs"))), (part,))
    first, second = found.inputs["numbers"], found.inputs["again"]
    rows = np.column_stack([first, second[:, 1], found.inputs["kind"]]).astype(object)
    return rows, found.targets["sold"].reshape(-1)


class Houses:
    """The saved model of houses as scikit-learn asks models: rows of columns in, answers out."""

    classes_ = np.array([0.0, 1.0])
    _estimator_type = "classifier"

    def __init__(self) -> None:
        self.model = kept("houses")

    def fit(self, *_: object) -> None: ...

    def predict_proba(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        import tensorflow as tf

        inputs = {
            "numbers": tf.constant(rows[:, :3].astype(np.float32)),
            "again": tf.constant(rows[:, [1, 3]].astype(np.float32)),
            "kind": tf.constant(rows[:, 4].tolist()),
        }
        inputs = {tensor.name: inputs[tensor.name] for tensor in self.model.inputs}
        answered = self.model(inputs if isinstance(self.model.input, dict) else list(inputs.values()))
        answered = next(iter(answered.values())) if isinstance(answered, dict) else answered
        yes = np.asarray(answered).reshape(-1).astype(np.float64)
        return np.stack([1 - yes, yes], axis=1)

    def score(self, rows: np.ndarray[Any, Any], sold: np.ndarray[Any, Any]) -> float:
        return float(((self.predict_proba(rows)[:, 1] > 0.5) == sold).mean())


def test_the_figures_are_those_of_scikit_learn(capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import log_loss

    found = facts(capsys, "houses", "--seed", "7", "--repeats", "4")
    assert (found["part"], found["rows"], found["of"], found["repeats"], found["seed"]) == ("test", 72, 72, 4, 7)
    model, (rows, sold) = Houses(), houses_of("test")

    def loss(model: Houses, rows: np.ndarray[Any, Any], sold: np.ndarray[Any, Any]) -> float:
        return -float(log_loss(sold, np.clip(model.predict_proba(rows), 1e-7, 1 - 1e-7)))

    # scikit-learn wants finite tables, or those of objects with gaps.
    scores = permutation_importance(model, rows, sold, n_repeats=4, random_state=7)
    losses = permutation_importance(model, rows, sold, scoring=loss, n_repeats=4, random_state=7)
    names = ["rooms", "area", "gap", "noise", "kind"]
    by_name = {one["column"]: one for one in found["columns"]}
    assert sorted(by_name) == sorted(names)
    for place, name in enumerate(names):
        one = by_name[name]
        assert one["scores"]["sold"]["each"] == pytest.approx(scores.importances[place], abs=1e-9)
        assert one["loss"]["each"] == pytest.approx(losses.importances[place], abs=1e-5)
        assert one["loss"]["mean"] == pytest.approx(losses.importances_mean[place], abs=1e-5)
        assert one["loss"]["std"] == pytest.approx(losses.importances_std[place], abs=1e-5)
        assert (one["loss"]["low"], one["loss"]["high"]) == (min(one["loss"]["each"]), max(one["loss"]["each"]))
    assert by_name["area"]["inputs"] == ["numbers", "again"]
    assert found["columns"][0]["column"] == "area"
    rises = [one["loss"]["mean"] for one in found["columns"]]
    assert rises == sorted(rises, reverse=True)


def test_measures_as_they_stand_are_those_of_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, "houses", "--repeats", "1", "--part", "validation")
    assert run(["evaluate", "houses", "--part", "validation", "--format", "json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert found["loss"] == pytest.approx(evaluated["metrics"]["validation"]["loss"], rel=1e-5)
    accuracy = evaluated["outputs"]["validation"]["sold"]["accuracy"]
    assert found["scores"] == {"sold": {"measure": "accuracy", "value": pytest.approx(accuracy)}}


def test_mean_answers_over_the_values_of_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    found = facts(capsys, "houses", "--repeats", "2")
    lines = {one["column"]: one for one in found["dependence"]}
    model, (rows, _) = Houses(), houses_of("test")
    assert sorted(lines["kind"]["values"]) == sorted(KINDS)
    assert len(lines["area"]["values"]) == 20
    for name, place in (("area", 1), ("kind", 4)):
        assert (lines[name]["target"], lines[name]["answer"]) == ("sold", "yes")
        for value, mean in zip(lines[name]["values"], lines[name]["means"], strict=True):
            changed = rows.copy()
            changed[:, place] = value
            assert mean == pytest.approx(model.predict_proba(changed)[:, 1].mean(), abs=1e-6)
    area = rows[:, 1].astype(float)
    low, high = np.quantile(area, [0.05, 0.95], method="inverted_cdf")
    assert (lines["area"]["values"][0], lines["area"]["values"][-1]) == pytest.approx((low, high))


def test_numbers_of_one_column_are_shuffled_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score

    found = facts(capsys, "diabetes", "--repeats", "3")
    assert found["part"] == "validation"  # there is no test split
    assert {one["column"] for one in found["columns"]} == {"age", "sex", "bmi", "bp", *(f"s{n}" for n in range(1, 7))}
    model = kept("diabetes")
    from dlspec.training.evaluate import own_examples
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    ((_, own),) = own_examples(open_run(find_run("diabetes", Path("runs"))), ("validation",))

    def r2(model: Any, rows: np.ndarray[Any, Any], true: np.ndarray[Any, Any]) -> float:
        return float(r2_score(true, np.asarray(model(rows)).reshape(-1)))

    wanted = permutation_importance(
        model,
        own.inputs["x"],
        own.targets[next(iter(own.targets))].reshape(-1),
        scoring=r2,
        n_repeats=3,
        random_state=0,
    )
    place = [one["column"] for one in found["columns"]].index("bmi")
    assert found["columns"][place]["scores"]["progress"]["each"] == pytest.approx(wanted.importances[2], abs=1e-6)


def test_many_rows_are_some_and_the_same_ones_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    some = facts(capsys, "houses", "--rows", "20", "--repeats", "2")
    assert (some["rows"], some["of"]) == (20, 72)
    assert facts(capsys, "houses", "--rows", "20", "--repeats", "2") == some
    assert "20 of 72 examples, each column shuffled 2 times" in " ".join(
        asked(capsys, "houses", "--rows", "20", "--repeats", "2").split()
    )


def test_the_page_and_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    told = asked(capsys, "houses")
    assert told.startswith("the test split, 72 examples, each column shuffled 5 times: loss ")
    assert max(map(len, told.splitlines()[:-1])) <= 80
    assert "\narea " in told and told.index("\narea ") < told.index("\nnoise ")
    (page,) = Path("runs/houses").glob("*/importance.html")
    text = page.read_text()
    assert "<script" not in text and "sold over area" in text and "each column shuffled 5 times" in text
    assert as_documented("output/importance", page.with_suffix(".json").read_text())["repeats"] == 5


def test_other_examples_with_labels(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("houses.csv").read_text().splitlines()
    Path("more.csv").write_text("\n".join(lines[:51]) + "\n")
    found = facts(capsys, "houses", "--data", "more.csv", "--repeats", "1")
    assert (found["part"], found["rows"]) == ("more.csv", 50)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pictures",), "E526"),
        (("diabetes", "--part", "test"), "has no test split"),
        (("houses", "--data", "gone.csv"), "E601"),
        (("nothing",), "E521"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["importance", *arguments]) == 1
    assert said in capsys.readouterr().err
