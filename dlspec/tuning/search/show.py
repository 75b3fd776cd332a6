"""Texts of a search while it goes on, and at its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from dlspec.core.documents.search import Search as SearchFacts
from dlspec.core.documents.search import TrialFacts
from dlspec.core.terminal import table as columns
from dlspec.training.loop.progress import show_time
from dlspec.tuning.workers.trial import COMPLETED, FAILED, PRUNED, Result

if TYPE_CHECKING:
    from rich.console import Console

    from dlspec.tuning.search.search import Search
    from dlspec.tuning.search.tally import Trial
    from dlspec.tuning.workers.workers import Workers


class Reporter:
    """One line per trial on stderr: what came of it, the best so far, and the time that is left."""

    def __init__(self, search: Search, console: Console | None, workers: Workers[Result]) -> None:
        self._search, self._console, self._workers = search, console, workers

    def __call__(self, trial: Trial) -> None:
        """Reports a trial that has ended."""
        if self._console is not None and trial.same_as is None and trial.result is not None:
            self._console.print(self.line(trial, trial.result), highlight=False, soft_wrap=True, markup=False)

    def line(self, trial: Trial, result: Result) -> str:
        """The line of a trial that ended."""
        search = self._search
        total = search.plan.trials
        number = f"trial {trial.number}" + (f"/{total}" if total is not None else "")
        outcome = result.status if result.score is None else f"{search.plan.tune.objective} {result.score:.4g}"
        if result.reason:
            outcome += f" ({result.reason})"
        best = search.best
        parts = [number, values_text(trial.values), outcome]
        if best is not None and best.score is not None:
            parts.append(f"best {best.score:.4g} (trial {best.number})")
        parts += [f"{result.seconds:.1f} s", self._left()]
        return "  ".join(part for part in parts if part)

    def _left(self) -> str:
        total, tally = self._search.plan.trials, self._search.tally
        if total is None or not tally.ended:
            return ""
        left = (total - tally.ended) * tally.seconds / tally.ended / self._workers.count
        return f"{show_time(left)} left" if left >= 1 else ""


def values_text(values: dict[str, Any]) -> str:
    """Values of parameters in one line."""
    return " ".join(f"{name}={_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value).strip('"')


def facts(search: Search, finished: bool) -> SearchFacts:
    """``search.json``: the plan, the trials and the best."""
    best, plan = search.best, search.plan
    return {
        "finished": finished,
        "algorithm": plan.tune.algorithm.name,
        "objective": plan.tune.objective,
        "direction": "min" if plan.smaller else "max",
        "seed": plan.tune.seed,
        "planned": plan.trials,
        "counts": {
            "completed": count(search, COMPLETED),
            "failed": count(search, FAILED),
            "pruned": count(search, PRUNED),
        },
        "best": best.number if best is not None else None,
        "conditions": {name: {k: list(v) for k, v in parents.items()} for name, parents in plan.conditions.items()},
        "trials": [_trial(trial) for trial in search.trials if trial.same_as is None],
    }


def _trial(trial: Trial) -> TrialFacts:
    facts: TrialFacts = {
        "number": trial.number,
        "values": trial.values,
        "epochs": trial.epochs,
        "before": trial.before,
        "status": "running",
    }
    return cast("TrialFacts", {**facts, **(trial.result.facts() if trial.result is not None else {})})


def count(search: Search, status: str) -> int:
    """Number of trials with this status."""
    ended = [trial.result for trial in search.trials if trial.same_as is None and trial.result is not None]
    return sum(result.status == status for result in ended)


def table(search: Search) -> str:
    """The best trials, and what became of the others."""
    plan = search.plan
    scored = [
        (trial.number, trial.score, trial.result, trial.values)
        for trial in search.trials
        if trial.score is not None and trial.result is not None and trial.same_as is None
    ]
    scored.sort(key=lambda item: item[1] * (1 if plan.smaller else -1))
    rows = [["trial", plan.tune.objective, "epoch", "parameters", "values"]]
    for number, score, result, values in scored[:10]:
        size = f"{result.parameters:,}" if result.parameters is not None else ""
        rows.append([str(number), f"{score:.4g}", str(result.epoch), size, values_text(values)])
    lines = columns(rows, numbers=range(4))
    ended = ", ".join(f"{count(search, status)} {status}" for status in (COMPLETED, FAILED, PRUNED))
    return "\n".join([*lines, f"{ended}; {search.folder}"])
