"""Figures of the report against scikit-learn's, and the sentences that are made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from dlspec.core.pictures import is_map
from dlspec.data.binding.tasks import (
    ARRAYS,
    CHOICE,
    NUMBERS,
    PIXELS,
    SERIES,
    STEPS,
    TAGS,
    TRANSCRIPT,
    YES_NO,
    Task,
)
from dlspec.views.pages.class_scores import Classes, Tags
from dlspec.views.pages.hints import hints
from dlspec.views.pages.number_scores import Numbers, Sums
from dlspec.views.pages.shares import auc, interval
from dlspec.views.pages.transcripts import Transcripts
from dlspec.views.pages.verdict import figure, percent, verdict

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


def test_what_is_not_a_number_is_no_answer() -> None:
    share = np.array([[np.nan, np.nan], [0.9, 0.1], [0.2, 0.8]])
    score = Classes(Task("y", CHOICE, ("a", "b")))
    score.learn(np.array([0, 0, 1]))
    score.add(share, np.array([0, 0, 1]))
    found = score.facts()
    assert found["accuracy"] == pytest.approx(2 / 3) and found["confusion"] == [[1, 0], [0, 1]]
    assert (found["classes"][0]["precision"], found["classes"][0]["recall"]) == (1.0, 0.5)


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


def test_padding_counts_nowhere() -> None:
    true = CHANCE.integers(0, 3, (40, 6))
    share = CHANCE.random((40, 6, 3))
    mask = np.arange(6) < CHANCE.integers(0, 7, (40, 1))
    mask[0] = True
    score = Classes(Task("y", STEPS, ("a", "b", "c"), likelihood=True))
    padded = np.where(mask, true, 2)  # what stands at padding would be the most frequent class
    score.learn(padded[:20], mask[:20])
    score.learn(padded[20:], mask[20:])
    badness = np.concatenate(
        [score.add(share[rows], padded[rows], mask[rows]) for rows in (slice(0, 33), slice(33, 40))]
    )
    found, guess = score.facts(), share.argmax(axis=-1)
    assert found["positions"] == mask.sum() and found["examples"] == 40
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(true[mask], guess[mask]))
    assert found["confusion"] == metrics.confusion_matrix(true[mask], guess[mask]).tolist()
    usual = np.bincount(true[mask]).argmax()
    assert found["baseline"] == {"answer": "abc"[usual], "accuracy": pytest.approx((true[mask] == usual).mean())}
    whole = [(true == guess)[n][mask[n]].all() for n in range(40) if mask[n].any()]
    assert found["exact"] == pytest.approx(np.mean(whole))
    right = np.take_along_axis(share, true[..., None], axis=-1)[..., 0][mask]
    assert found["perplexity"] == pytest.approx(np.exp(-np.log(right).mean()))
    assert (badness[~mask.any(axis=1)] == 0).all()
    sentence = verdict("y", found, "test").sentence
    assert f"of {mask.sum()} steps of the test split" in sentence and "sequences are right in every step" in sentence


def test_numbers_of_steps_are_measured_where_the_mask_leaves_them() -> None:
    true = CHANCE.normal(100, 2, (30, 5, 2))
    guess = true + CHANCE.normal(0, 1, true.shape)
    mask = np.arange(5) < CHANCE.integers(1, 6, (30, 1))
    score = Sums(Task("y", SERIES, ("y[0]", "y[1]"), array=True))
    score.learn(true[:10], mask[:10])
    score.learn(true[10:], mask[10:])
    wild = np.where(mask[..., None], guess, 1e6)
    for rows in (slice(0, 29), slice(29, 30)):
        score.add(wild[rows], true[rows], mask[rows])
    found = score.facts()
    assert found["r2"] == pytest.approx(metrics.r2_score(true[mask], guess[mask]))
    assert found["rmse"] == pytest.approx(metrics.mean_squared_error(true[mask], guess[mask]) ** 0.5)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(true[mask], guess[mask]))
    mean = true[mask].mean(axis=0)
    assert found["baseline"]["rmse"] == pytest.approx(((true[mask] - mean) ** 2).mean() ** 0.5)
    assert [one["r2"] for one in found["numbers"]] == pytest.approx(
        metrics.r2_score(true[mask], guess[mask], multioutput="raw_values")
    )


def test_a_picture_is_judged_against_the_mean_picture() -> None:
    true = CHANCE.random((50, 8, 8, 1)) * np.linspace(0, 1, 64).reshape(8, 8, 1)
    guess = true + CHANCE.normal(0, 0.05, true.shape)
    guess[:, 0, 0] += 0.01  # a pixel that never changes
    score = Sums(Task("y", ARRAYS, (), array=True))
    score.learn(true[:30])
    score.add(guess[30:], true[30:])
    found = score.facts()
    mean = ((true[30:] - true[:30].mean(axis=0)) ** 2).mean() ** 0.5
    assert found["r2"] == pytest.approx(metrics.r2_score(true[30:].reshape(-1, 1), guess[30:].reshape(-1, 1)))
    assert found["baseline"] == {"answer": "the mean of each", "rmse": pytest.approx(mean)}
    given = verdict("y", found, "test")
    assert given.headline == f"RMSE {figure(found['rmse'])}, {percent(1 - found['rmse'] / mean)} below that of the mean"
    assert given.grade == "good"


def test_pictures_of_several_sizes_have_the_mean_of_all_pixels() -> None:
    score = Sums(Task("y", ARRAYS, (), array=True))
    batches = [CHANCE.random((4, 8, 8, 1)), CHANCE.random((2, 16, 12, 1))]
    for batch in batches:
        score.learn(batch)
    assert score.trivial == pytest.approx(np.concatenate([batch.reshape(-1) for batch in batches]).mean())


def test_a_number_that_never_changes_is_scored_as_scikit_learn_does() -> None:
    true = np.stack([np.full(20, 0.1), np.arange(20.0)], axis=1)
    guess = true + np.array([0.0, 0.5])
    score = Numbers(Task("y", NUMBERS, ("a", "b")))
    score.learn(true)
    score.add(guess, true)
    assert score.facts()["r2"] == pytest.approx(metrics.r2_score(true, guess))


def test_raw_scores_are_cut_at_zero() -> None:
    raw, true = 8 * CHANCE.normal(size=(200, 1)), CHANCE.integers(0, 2, (200, 1)).astype(np.float32)
    for task in (Task("y", YES_NO, ("0", "1"), True, 0.0), Task("y", YES_NO, ("0", "1"), False, 0.0)):
        score = Classes(task)
        score.learn(true)
        score.add(raw, true)
        found = score.facts()
        assert found["accuracy"] == pytest.approx(metrics.accuracy_score(true, raw > 0))
        assert found["auc"] == pytest.approx(metrics.roc_auc_score(true[:, 0], raw[:, 0]))  # margins are not clipped


def test_transcripts_are_compared_as_wholes_and_by_edits() -> None:
    classes = ("", "c", "a", "t")
    true = np.array([[1, 2, 3], [2, 3, 0], [3, 3, 0], [3, 3, 0]])
    frames = [[1, 1, 0, 2, 3, 3], [2, 0, 3, 0, 1, 0], [3, 0, 3, 0, 0, 0], [3, 3, 3, 0, 0, 0]]
    score = Transcripts(Task("y", TRANSCRIPT, classes))
    score.learn(true)
    badness = score.add(np.eye(4)[frames], true)
    found = score.facts()
    assert badness == pytest.approx([0, 0.5, 0, 0.5])
    assert (found["exact"], found["error_rate"]) == (0.5, pytest.approx(2 / 9))
    assert found["baseline"] == {"answer": "tt", "exact": 0.5, "error_rate": pytest.approx((2 + 1) / 9)}
    given = verdict("y", found, "test")
    assert given.headline == "50.0 % exact, 22.2 % error rate" and given.grade == "good"


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


def curves(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    """Rows of losses in training and validation."""
    return [{"loss": loss, "val_loss": value} for loss, value in pairs]


def test_learning_by_heart_is_a_trend_and_no_single_epoch() -> None:
    rows = curves((1, 1.0), (0.6, 0.8), (0.4, 0.9), (0.3, 0.95), (0.1, 1.2))
    (said,) = hints({"best": {"epoch": 2, "val_loss": 0.8}}, rows)
    assert "After epoch 2" in said and "learn by heart" in said
    assert hints({"best": {"epoch": 2, "val_loss": 0.8}}, rows[:3]) == []
    assert hints({"best": {"epoch": 2, "val_loss": 0.8}}, [*rows, *curves((0.1, 0.81))]) == []


def test_more_epochs_help_only_where_they_ran_out() -> None:
    rows = curves(*((1 / n, 1 / n) for n in (1, 2, 3, 4)))
    facts = {"status": "finished", "best": {"epoch": 4, "val_loss": 0.25}}
    (more,) = hints({**facts, "planned": {"epochs": 4, "steps_per_epoch": 200, "scheduled": False}}, rows)
    assert "val_loss (0.5, 0.3333, 0.25) was still getting better: more `epochs` may help" in more
    right = {"outputs": {"y": {"exact": 1.0}}}
    assert hints({**facts, "planned": {"epochs": 4, "scheduled": False}, "results": right}, rows) == []
    for planned in (
        {"epochs": 30, "steps_per_epoch": 200, "scheduled": False},  # a callback ended it
        {"epochs": 4, "steps_per_epoch": 200, "scheduled": True},
    ):
        assert hints({**facts, "planned": planned}, rows) == []
    flat = curves((1, 1), (0.5, 0.5), (0.4999, 0.4999), (0.4998, 0.4998))
    assert hints({**facts, "planned": {"epochs": 4, "steps_per_epoch": 200, "scheduled": False}}, flat) == []


def poor(losses: list[float], steps: int) -> list[str]:
    """What is said of a run whose model answers one of ten equal classes whatever it sees."""
    classes = [
        {"name": str(n), "examples": 20, "predicted": 200 if n == 0 else 0, "precision": None, "recall": 0, "f1": 0}
        for n in range(10)
    ]
    confusion = [[20, *[0] * 9] for _ in range(10)]
    results = {
        "verdicts": [{"output": "y", "grade": "poor"}],
        "outputs": {"y": {"kind": CHOICE, "classes": classes, "confusion": confusion}},
    }
    planned = {"epochs": len(losses), "steps_per_epoch": steps, "scheduled": False}
    return hints({"status": "finished", "planned": planned, "results": results}, [{"loss": value} for value in losses])


def test_a_model_that_learnt_nothing_is_not_told_to_get_more_examples() -> None:
    (slow,) = poor([2.4, 2.35, 2.3], 1)
    assert slow.startswith("Training took 3 steps only, one in each epoch") and "`batch_size`" in slow
    (wild,) = poor([90.0, 400.0, 120.0], 45)
    assert wild.startswith("The loss did not fall in training (90 in the first epoch, 120 in the last)")
    assert poor([400.0, 80.0, 90.0], 45) == []


def test_rare_classes_that_are_never_answered_are_called_rare() -> None:
    def said(examples: tuple[int, ...], weights: dict[str, list[float]]) -> list[str]:
        classes = [{"name": str(n), "examples": count, "predicted": 100 * (n < 2)} for n, count in enumerate(examples)]
        results = {"verdicts": [{"output": "y", "grade": "good"}], "outputs": {"y": {"classes": classes}}}
        return hints({"results": results, "data": {"class_weights": weights}}, [])

    (rare,) = said((100, 90, 5), {})
    assert rare == "The model never answers “2”, which is rare: class weights or more such examples help."
    assert said((100, 90, 5), {"y": [1.0, 1.0, 9.0]})[0].endswith("which is rare: more such examples help.")
    assert said((100, 90, 80), {}) == ["The model never answers “2”."]


def test_a_rare_answer_is_judged_by_what_its_scores_tell() -> None:
    def said(auc: float, recall: float, weights: dict[str, list[float]]) -> list[str]:
        counts = ({"name": "no", "examples": 288, "recall": 1.0}, {"name": "yes", "examples": 12, "recall": recall})
        classes = [{"predicted": 1, **one} for one in counts]
        results = {
            "verdicts": [{"output": "y", "grade": "poor"}],
            "outputs": {"y": {"kind": YES_NO, "auc": auc, "classes": classes}},
        }
        return hints({"results": results, "data": {"class_weights": weights}}, [])

    (found,) = said(0.93, 0.25, {})
    assert found == (
        "“yes” is rare (4.0 % of examples), and accuracy says little of it: the model finds 25.0 % of them, and its "
        "scores tell more than its answers (area under ROC 0.93, where chance has 0.5): `class_weights: balanced` "
        "makes it answer so more often, also where it is wrong."
    )
    assert said(0.93, 0.25, {"y": [1.0, 9.0]})[0].endswith("where chance has 0.5).")
    assert "hardly tell them from the others (area under ROC 0.42" in said(0.42, 0.0, {})[0]
    assert said(0.93, 0.75, {}) == []


def test_a_few_errors_that_make_up_most_of_the_squares_are_called_so() -> None:
    error = np.r_[np.linspace(-3, 3, 97), 500.0, -400.0, 300.0]
    score = Numbers(Task("price", NUMBERS, ("price",)))
    score.learn(np.arange(100.0))
    score.add(np.arange(100.0) + error, np.arange(100.0))
    (far,) = hints({"results": {"outputs": {"price": score.facts()}, "verdicts": []}}, [])
    assert far.startswith("Nine of ten predictions are off by at most 2.") and "by up to 500 (price)" in far
    even = Numbers(Task("price", NUMBERS, ("price",)))
    even.learn(np.arange(100.0))
    even.add(np.arange(100.0) + error.clip(-4, 4), np.arange(100.0))
    assert hints({"results": {"outputs": {"price": even.facts()}, "verdicts": []}}, []) == []


def test_a_gap_that_chance_explains_is_none() -> None:
    metrics = {"train": {"accuracy": 0.93}, "test": {"accuracy": 0.8}}
    assert hints({"metrics": metrics, "data": {"examples": {"test": 10}}}, []) == []
    (said,) = hints({"metrics": metrics, "data": {"examples": {"test": 200}}}, [])
    assert "does not carry over" in said


def test_a_gap_is_one_of_right_answers() -> None:
    parts = {"examples": {"test": 200}}
    losses = {"train": {"vaccine_loss": 0.93}, "test": {"vaccine_loss": 0.5}}  # no accuracy, for all its name
    assert hints({"metrics": losses, "data": parts}, []) == []
    shares = {"train": {"sold_acc": 0.93}, "test": {"sold_acc": 0.5}}
    (said,) = hints({"metrics": shares, "data": parts}, [])
    assert said.startswith("sold_acc is 93")


def test_a_hint_warns_of_examples_in_two_splits() -> None:
    shared = {"parts": ["test", "train"], "examples": 3, "rows": [["a.csv, line 2", "a.csv, line 9"]]}
    (said,) = hints({"data": {"equal_examples": [shared]}}, [])
    assert said == "3 examples of test also stand in train: a.csv, line 2 and a.csv, line 9, for example."


def test_what_can_be_looked_at_as_a_picture() -> None:
    assert [is_map(shape) for shape in ((28, 28), (28, 28, 3), (28, 28, 5), (50, 4), (3, 3), (None, 8, 1))] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_a_loss_that_leaps_again_and_again_is_told() -> None:
    leaping = [{"loss": loss} for loss in (1.0, 0.5, 0.9, 0.4, 0.8, 0.3, 0.28)]
    (said,) = hints({"planned": {"scheduled": False}}, leaping)
    assert said.startswith("The loss leaps in training, 2 times, first from 0.5 to 0.9 in epoch 3")
    assert hints({"planned": {"scheduled": True}}, leaping) == []
    assert hints({}, [{"loss": loss} for loss in (1.0, 0.5, 0.9, 0.4, 0.3, 0.29, 0.28)]) == []  # once is chance
    assert hints({}, [{"loss": loss} for loss in (1.0, 0.02, 0.05, 0.01, 0.04, 0.01, 0.03)]) == []  # all of them small
