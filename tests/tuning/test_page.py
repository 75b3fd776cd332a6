"""The page of a search: every part shows what is in the facts, escaped."""

from __future__ import annotations

from typing import Any

import pytest

from dlspec.tuning.importance import importance, ranks
from dlspec.tuning.page import page


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
    trials = [trial(n, float(n % 4), decides=n % 4, word="ab"[n % 4 > 1], constant=1) for n in range(16)]
    found = {name: share for name, share, _ in importance(trials)}
    assert found["decides"] == pytest.approx(1.0) and 0.5 < found["word"] < 1 and "constant" not in found
    assert importance(trials[:5]) == []


def test_equal_values_share_their_rank() -> None:
    assert ranks([3, 1, 3, 2]) == [2.5, 0, 2.5, 1]
