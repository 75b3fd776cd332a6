"""``report.html`` of a search: what was tried, what came of it, and how to go on."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from dlspec.core.documents.search import Search, TrialFacts
from dlspec.training.loop.progress import show_time
from dlspec.tuning.plan.importance import FEWEST, importance
from dlspec.tuning.search import plots
from dlspec.views.pages.frames import rendered

PAGE_FILE = "report.html"
_ROWS = 10


def page(name: str, facts: Search, best: str, command: str) -> str:
    """The page as text.

    Args:
        name: Of the spec.
        facts: What stands in ``search.json``.
        best: Text of ``best.yaml``; "" where no trial was completed.
        command: What goes on with the search, or shows it again.
    """
    return rendered("search.html.jinja", name=name, best=best, command=command, **_view(facts))


def _view(facts: Search) -> dict[str, Any]:
    """Values of the template."""
    trials, objective, smaller = facts["trials"], facts["objective"], facts["direction"] == "min"
    scored = [(trial["score"], trial) for trial in trials if trial.get("score") is not None]
    done = [trial for _, trial in sorted(scored, key=itemgetter(0), reverse=not smaller)]
    counts = facts["counts"]
    seconds = sum(trial.get("seconds") or 0.0 for trial in trials)
    drawn = [plots.by_trial(trials, objective, smaller), plots.curves(done, objective)] if done else []
    wide = [plots.parallel(trials, objective, smaller)] if done and any(trial["values"] for trial in trials) else []
    return {
        "finished": facts["finished"],
        "objective": objective,
        "score": f"{done[0]['score']:.4g}" if done else "",
        "number": facts["best"],
        "tiles": [
            ("algorithm", facts["algorithm"]),
            *counts.items(),
            ("time of training", show_time(seconds)),
            ("seed", facts["seed"]),
        ],
        "plots": drawn,
        "wide": wide,
        "best_trials": [_row(trial) for trial in done[:_ROWS]],
        "importance": [
            {
                "name": item.name,
                "share": f"{item.share:.0%}",
                "direction": "" if item.direction is None else f"{item.direction:+.2f}",
                "count": item.trials,
            }
            for item in importance(trials)
        ],
        "fewest": FEWEST,
        "others": [_row(trial) for trial in trials if trial["status"] in ("failed", "pruned")],
    }


def _row(trial: TrialFacts) -> dict[str, Any]:
    from dlspec.tuning.search.show import values_text

    score, parameters = trial.get("score"), trial.get("parameters")
    return {
        "number": trial["number"],
        "score": f"{score:.4g}" if score is not None else "",
        "epoch": trial.get("epoch") or "",
        "parameters": f"{parameters:,}" if parameters is not None else "",
        "values": values_text(trial["values"]),
        "status": trial["status"],
        "reason": trial.get("reason", ""),
    }
