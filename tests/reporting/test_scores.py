"""Figures of the report against scikit-learn's, and the sentences that are made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from dlspec.reporting.hints import hints
from dlspec.reporting.scores import Classes, Numbers, Tags, auc, interval
from dlspec.reporting.tasks import CHOICE, NUMBERS, PIXELS, TAGS, YES_NO, Task, is_map
from dlspec.reporting.verdict import figure, percent, verdict

CHANCE = np.random.default_rng(7)


def test_classes_are_counted_as_scikit_learn_does() -> None:
    true = CHANCE.integers(0, 4, 300)
    share = CHANCE.random((300, 4)) + 1.5 * np.eye(4)[true]
    share /= share.sum(axis=1, keepdims=True)
    score = Classes(Task("y", CHOICE, ("a", "b", "c", "d")))
    score.learn(np.array([2, 2, 1, 0], np.int32))
    for start in range(0, 300, 128):
        score.add(share[start : start + 128], true[start : start + 128])
    found, guess = score.facts(), share.argmax(axis=1)
    assert found["confusion"] == metrics.confusion_matrix(true, guess).tolist()
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(true, guess))
    assert found["mean_f1"] == pytest.approx(metrics.f1_score(true, guess, average="macro"))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(true, guess)
    assert [one["precision"] for one in found["classes"]] == pytest.approx(precision)
    assert [one["recall"] for one in found["classes"]] == pytest.approx(recall)
    assert [one["f1"] for one in found["classes"]] == pytest.approx(f1)
    assert [one["examples"] for one in found["classes"]] == support.tolist()
    assert [one["iou"] for one in found["classes"]] == pytest.approx(metrics.jaccard_score(true, guess, average=None))
    assert found["baseline"] == {"answer": "c", "accuracy": pytest.approx((true == 2).mean())}


def test_one_hot_targets_and_logits_are_read_as_classes() -> None:
    true = CHANCE.integers(0, 3, 50)
    logits = 5 * CHANCE.normal(size=(50, 3))
    plain, hot = (Classes(Task("y", CHOICE, ("a", "b", "c"), logits=True)) for _ in range(2))
    plain.learn(true)
    hot.learn(np.eye(3, dtype=np.float32)[true])
    assert plain.add(logits, true) == pytest.approx(hot.add(logits, np.eye(3, dtype=np.float32)[true]))
    assert plain.facts() == hot.facts()


def test_an_ignored_class_does_not_count() -> None:
    true = np.array([[[0, 1], [255, 255]]])
    share = np.zeros((1, 2, 2, 2))
    share[..., 0] = 1
    score = Classes(Task("y", PIXELS, ("ground", "thing"), ignored=255))
    score.learn(true)
    badness = score.add(share, true)
    assert score.facts()["accuracy"] == 0.5 and badness.tolist() == [0.5]


def test_the_area_under_the_curve() -> None:
    true = CHANCE.integers(0, 2, 400)
    share = np.round(CHANCE.random(400) * 0.6 + 0.4 * true, 2)  # with many ties
    assert auc(true, share) == pytest.approx(metrics.roc_auc_score(true, share))
    assert auc(np.ones(3), np.ones(3)) is None


def test_numbers_are_measured_as_scikit_learn_does() -> None:
    true = CHANCE.normal(5, 2, (80, 2))
    guess = true + CHANCE.normal(0, 1, (80, 2))
    score = Numbers(Task("y", NUMBERS, ("y[0]", "y[1]")))
    score.learn(true[:40])
    score.add(guess[:50], true[:50])
    score.add(guess[50:], true[50:])
    found = score.facts()
    assert [one["r2"] for one in found["numbers"]] == pytest.approx(
        metrics.r2_score(true, guess, multioutput="raw_values")
    )
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(true, guess))
    assert found["rmse"] == pytest.approx(metrics.mean_squared_error(true, guess) ** 0.5)
    assert found["numbers"][0]["baseline"]["answer"] == pytest.approx(true[:40, 0].mean())


def test_tags_are_counted_one_by_one() -> None:
    true = CHANCE.integers(0, 2, (60, 3))
    share = CHANCE.random((60, 3))
    score = Tags(Task("y", TAGS, ("red", "round", "ripe")))
    score.learn(true.astype(np.float32))
    score.add(share, true)
    found, guess = score.facts(), share > 0.5
    assert [one["f1"] for one in found["classes"]] == pytest.approx(metrics.f1_score(true, guess, average=None))
    assert found["accuracy"] == pytest.approx((true == guess).mean())


@pytest.mark.parametrize(
    ("accuracy", "baseline", "grade"), [(0.9, 0.5, "good"), (0.52, 0.5, "doubtful"), (0.5, 0.5, "poor")]
)
def test_the_verdict_knows_what_is_no_better_than_chance(accuracy: float, baseline: float, grade: str) -> None:
    found = {
        "kind": YES_NO, "examples": 200, "accuracy": accuracy, "interval": interval(accuracy, 200),
        "baseline": {"answer": "no", "accuracy": baseline},
    }  # fmt: skip
    given = verdict("y", found, "test")
    assert given.grade == grade
    assert f"always answering “no” would be right in {percent(baseline)}" in given.sentence


def test_the_interval_is_wilsons() -> None:
    assert interval(0.9, 100) == pytest.approx([0.8256, 0.9448], abs=1e-4)
    assert interval(1.0, 20) == pytest.approx([0.8389, 1.0], abs=1e-4)


def test_figures_are_short_and_honest() -> None:
    assert [percent(share) for share in (1.0, 0.9999, 0.123, None)] == ["100 %", "> 99.9 %", "12.3 %", "–"]
    assert [figure(value) for value in (3.0, 12345.0, 0.00012345, 1.5e9, math.nan, None)] == [
        "3", "12,345", "0.000123", "1.5e+09", "nan", "–",
    ]  # fmt: skip


def test_hints_say_what_the_curves_say() -> None:
    rows = [{"loss": loss, "val_loss": value} for loss, value in ((1, 1.0), (0.6, 0.8), (0.3, 0.9), (0.1, 1.2))]
    (said,) = hints({"best": {"epoch": 2}, "epochs": 4}, rows)
    assert "After epoch 2" in said and "learn by heart" in said
    (more,) = hints({"best": {"epoch": 4}, "epochs": 4}, [{"loss": 1 / n, "val_loss": 1 / n} for n in (1, 2, 3, 4)])
    assert "more `epochs`" in more


def test_a_hint_warns_of_examples_in_two_splits() -> None:
    shared = {"parts": ["test", "train"], "examples": 3, "rows": [["a.csv, line 2", "a.csv, line 9"]]}
    (said,) = hints({"data": {"equal_examples": [shared]}}, [])
    assert said == "3 examples of test also stand in train: a.csv, line 2 and a.csv, line 9, for example."


def test_what_can_be_looked_at_as_a_picture() -> None:
    assert [is_map(shape) for shape in ((28, 28), (28, 28, 3), (28, 28, 5), (50, 4), (3, 3), (None, 8, 1))] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
