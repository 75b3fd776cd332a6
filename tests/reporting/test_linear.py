"""The linear model that a report compares with: scikit-learn's ridge regression and its classifier."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import r2_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dlspec.data.binding.tasks import CHOICE, NUMBERS, TAGS, YES_NO, Task
from dlspec.views.pages.columns import COLUMNS, Layout, layout_of
from dlspec.views.pages.hints import hints
from dlspec.views.pages.linear import LINEAR, NEAREST, LinearScores, fit, fitted, from_arrays, to_arrays
from dlspec.views.pages.verdict import verdict


def judged(task: Task, inputs: dict[str, Any], target: Any) -> Any:
    model = fit([task], inputs, {task.name: target})
    assert model is not None
    kept = from_arrays(to_arrays(model))
    assert kept is not None
    scores = LinearScores(kept, [task])
    for start in range(0, len(target), 100):
        part = slice(start, start + 100)
        scores.add({name: values[part] for name, values in inputs.items()}, {task.name: target[part]})
    return kept, scores.facts(task.name)


def test_numbers_are_those_of_ridge() -> None:
    x, y = load_diabetes(return_X_y=True)
    model, facts = judged(Task("out", NUMBERS, ("y",)), {"x": x.astype(np.float32)}, y.astype(np.float32)[:, None])
    wanted = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(x, y).predict(x)
    assert model.answers({"x": x})["out"][:, 0] == pytest.approx(wanted, rel=1e-4)
    assert facts["r2"] == pytest.approx(r2_score(y, wanted), rel=1e-5)
    assert facts["rmse"] == pytest.approx(float(np.sqrt(((y - wanted) ** 2).mean())), rel=1e-5)


@pytest.mark.parametrize(("load", "kind"), [(load_iris, CHOICE), (load_breast_cancer, YES_NO)])
def test_classes_are_those_of_the_ridge_classifier(load: Any, kind: str) -> None:
    x, y = load(return_X_y=True)
    names = tuple(map(str, range(y.max() + 1)))
    target = y.astype(np.float32)[:, None] if kind == YES_NO else y.astype(np.int32)
    # From logits and above 0.3: how the model itself is read is not how a regression on 0 and 1 is.
    _, facts = judged(Task("out", kind, names, logits=True, threshold=0.3), {"x": x}, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1.0)).fit(x, y)
    assert facts == {"accuracy": pytest.approx(wanted.score(x, y), abs=1e-9)}


def test_class_numbers_are_columns_of_their_own() -> None:
    chance = np.random.default_rng(0)
    kind, size = chance.integers(0, 4, (300, 1)), chance.normal(size=300)
    y = np.array([3.0, -1.0, 7.0, 0.0])[kind[:, 0]] + 2 * size  # not a line over the class numbers
    inputs = {"kind": kind, "size": size}
    model, facts = judged(Task("out", NUMBERS, ("y",)), inputs, y)
    columns = np.column_stack([np.eye(4)[kind[:, 0]], size])
    wanted = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(columns, y).predict(columns)
    assert model.answers(inputs)["out"][:, 0] == pytest.approx(wanted, abs=1e-9)
    assert facts["r2"] > 0.999
    unseen = model.answers({"kind": np.array([[9]]), "size": np.array([0.0])})
    assert np.isfinite(unseen["out"]).all()


@pytest.mark.parametrize(
    "inputs",
    [
        {"image": np.zeros((5, 4, 4), np.float32)},
        {"word": np.array(["a", "b"] * 3, object)},
        {"wide": np.zeros((5, COLUMNS + 1), np.float32)},
        {"many": np.array([[COLUMNS + 1]] * 5)},
        {"gap": np.full((5, 1), np.nan, np.float32)},
    ],
)
def test_what_is_no_table_has_none(inputs: dict[str, Any]) -> None:
    count = len(next(iter(inputs.values())))
    assert fit([Task("out", NUMBERS, ("y",))], inputs, {"out": np.arange(count, dtype=np.float32)}) is None


def test_it_is_said_and_stands_out_where_it_is_clearly_better() -> None:
    facts: dict[str, Any] = {
        "kind": NUMBERS, "examples": 100, "rmse": 10.0, "mae": 8.0, "r2": 0.5, "array": False, "numbers": [],
        "baseline": {"answer": 3.0, "rmse": 20.0}, "linear": {"rmse": 9.0, "mae": 7.0, "r2": 0.6},
    }  # fmt: skip
    assert "A linear model of the same inputs would be off by 9: it is better." in verdict("y", facts, "test").sentence
    (told,) = hints({"results": {"outputs": {"y": facts}}}, [])
    assert told.startswith("The model does worse than a linear model of the same inputs (off by 10 against 9)")
    assert not hints({"results": {"outputs": {"y": {**facts, "linear": {"rmse": 9.8, "mae": 7.0, "r2": 0.6}}}}}, [])


@pytest.mark.parametrize(("load", "kind"), [(load_iris, CHOICE), (load_wine, CHOICE), (load_breast_cancer, YES_NO)])
def test_the_nearest_mean_is_that_of_scikit_learn(load: Any, kind: str) -> None:
    """Fitted batch by batch, as to all examples at once; kept and read again."""
    x, y = load(return_X_y=True)
    target = y.astype(np.float32)[:, None] if kind == YES_NO else y.astype(np.int32)
    task, layout = Task("out", kind, tuple(map(str, range(y.max() + 1)))), layout_of([{"x": x}])
    assert layout is not None
    batches = [({"x": x[start : start + 7]}, {"out": target[start : start + 7]}, None) for start in range(0, len(x), 7)]
    models = fitted([task], layout, batches, LINEAR, NEAREST)
    kept = from_arrays(to_arrays(models[NEAREST], NEAREST), NEAREST)
    assert kept is not None and from_arrays(to_arrays(models[NEAREST], NEAREST)) is None
    answers = kept.answers({"x": x})["out"]
    guesses = answers[:, 0] > 0.5 if kind == YES_NO else answers.argmax(axis=1)
    wanted = make_pipeline(StandardScaler(), NearestCentroid()).fit(x, y)
    assert (guesses == wanted.predict(x)).all()
    whole = fit([task], {"x": x}, {"out": target})
    assert whole is not None
    assert models[LINEAR].weights["out"] == pytest.approx(whole.weights["out"], rel=1e-8, abs=1e-10)


def test_a_class_without_examples_is_never_the_nearest() -> None:
    x, y = load_iris(return_X_y=True)
    layout = layout_of([{"x": x}])
    assert layout is not None
    task = Task("out", CHOICE, ("none", "a", "b", "c"))
    model = fitted([task], layout, [({"x": x}, {"out": y + 1}, None)], NEAREST)[NEAREST]
    assert model.answers({"x": x})["out"].argmax(axis=1).min() == 1


def test_weights_count_as_repetitions() -> None:
    x, y = load_diabetes(return_X_y=True)
    times = np.random.default_rng(1).integers(0, 4, len(y))
    task = Task("out", NUMBERS, ("y",))
    weighed = fit([task], {"x": x}, {"out": y}, times.astype(np.float32))
    repeated = fit([task], {"x": np.repeat(x, times, axis=0)}, {"out": np.repeat(y, times)})
    assert weighed is not None and repeated is not None
    assert weighed.weights["out"] == pytest.approx(repeated.weights["out"], rel=1e-8, abs=1e-8)


def test_several_yes_and_no_are_those_of_the_ridge_classifier() -> None:
    x, y = load_iris(return_X_y=True)
    tags = np.stack([y == 0, y != 1, x[:, 0] > 6], axis=1)
    model = fit([Task("out", TAGS, ("a", "b", "c"))], {"x": x}, {"out": tags.astype(np.float32)})
    assert model is not None
    wanted = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1.0)).fit(x, tags.astype(int)).predict(x)
    assert ((model.answers({"x": x})["out"] > 0.5) == wanted).all()


def test_words_of_a_text_are_counted() -> None:
    rows = np.array([[2, 2, 5, 0], [1, 0, 0, 0], [9, 3, 0, 0]])
    layout = layout_of([{"text": rows[:1]}, {"text": rows[1:2]}], ["text"])
    assert layout == Layout((("text", (6,)),), ("text",))
    wanted = [[0, 2, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]  # 0 fills up, and 9 was in no row before
    assert layout.columns({"text": rows}).tolist() == wanted
    assert layout_of([{"text": rows}], ["text"], most=9) is None


def test_a_constant_column_is_no_help_and_no_harm() -> None:
    x, y = load_diabetes(return_X_y=True)
    task, constant = Task("out", NUMBERS, ("y",)), np.full((len(x), 1), 0.1)
    model = fit([task], {"x": np.hstack([x, constant])}, {"out": y})
    assert model is not None
    wanted = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(x, y).predict(x)
    assert model.answers({"x": np.hstack([x, constant])})["out"][:, 0] == pytest.approx(wanted, rel=1e-9)
