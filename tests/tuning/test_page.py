"""The page of a search: every part shows what is in the facts, escaped."""

from __future__ import annotations

from typing import Any

import pytest

from dlspec.tuning.plan.importance import importance
from dlspec.tuning.search.page import page


def trial(number: int, score: float | None, **values: Any) -> dict[str, Any]:
    history = [{"val_loss": score * 2}, {"val_loss": score}] if score is not None else []
    status = "completed" if score is not None else "failed"
    reason = "" if score is not None else "E508: <loss> is not finite"
    return {
        "number": number, "values": values, "epochs": 2, "before": None, "status": status, "score": score,
        "reason": reason, "epoch": 2, "parameters": 1234, "flops": 5, "seconds": 1.5, "history": history,
    }  # fmt: skip


def facts(trials: list[dict[str, Any]], best: int | None, finished: bool = True) -> dict[str, Any]:
    counts = {status: sum(one["status"] == status for one in trials) for status in ("completed", "failed", "pruned")}
    return {
        "finished": finished, "algorithm": "random", "objective": "val_loss", "direction": "min", "seed": 0,
        "planned": 20, "counts": counts, "best": best, "conditions": {}, "trials": trials,
    }  # fmt: skip


def test_a_page_shows_best_failed_and_importance() -> None:
    trials = [trial(n, 1.0 / n, units=8 * n, act="relu" if n % 2 else "<b>") for n in range(1, 9)]
    text = page(
        "iris", facts([*trials, trial(9, None, units=8, act="relu")], 8), "name: iris\n", "dlspec tune iris.yaml"
    )
    assert "Trial 8 is the best" in text and "val_loss 0.125" in text
    assert "E508: &lt;loss&gt; is not finite" in text and "<b>" not in text
    assert text.count("<svg") == 3 and "100%" in text and "1,234" in text
    assert "http://" not in text.replace("http://www.w3.org", "") and "<script" not in text


def test_a_search_without_a_completed_trial_has_a_page() -> None:
    text = page("iris", facts([trial(1, None, units=8)], None, finished=False), "", "dlspec tune iris.yaml")
    assert "No trial was completed" in text and "unfinished" in text and "<svg" not in text


def test_importance_knows_what_decides() -> None:
    trials = [trial(n, float(n % 4), decides=n % 4, noise=(n * 7) % 5, constant=1) for n in range(16)]
    found = {one.name: one for one in importance(trials)}
    assert list(found) == ["decides", "noise"] and found["decides"].share > 0.8
    assert found["decides"].direction == pytest.approx(1.0) and found["decides"].trials == 16
    assert importance(trials[:5]) == []


def test_importance_sees_an_optimum_in_the_middle() -> None:
    trials = [trial(n, abs(n - 8.0), middle=n, noise=(n * 7) % 5) for n in range(17)]
    found = {one.name: one for one in importance(trials)}
    assert found["middle"].share > 0.8 and found["middle"].direction == pytest.approx(0.0)


def test_importance_of_words_and_of_parameters_that_not_all_trials_use() -> None:
    trials = [
        trial(n, 5.0 * (n % 2) + (n % 3 if n % 2 else 0), word="ab"[n % 2], **({"inner": n % 3} if n % 2 else {}))
        for n in range(24)
    ]
    found = {one.name: one for one in importance(trials)}
    assert found["word"].share > found["inner"].share > 0.1
    assert (found["word"].direction, found["word"].trials, found["inner"].trials) == (None, 24, 12)
    assert sum(one.share for one in found.values()) == pytest.approx(1.0)
