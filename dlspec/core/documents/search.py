"""``search.json`` of a search: the plan, the trials and the best."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

SEARCH_FILE = "search.json"


class Counts(TypedDict):
    """Number of trials by the way they ended."""

    completed: int
    failed: int
    pruned: int


class _Trial(TypedDict):
    """Facts of a trial that runs."""

    number: int
    values: dict[str, Any]
    epochs: int
    before: int | None
    status: Literal["running", "completed", "failed", "pruned"]


class TrialFacts(_Trial, total=False):
    """One trial.

    Attributes:
        number: From 1.
        values: Of the searched parameters.
        epochs: Epochs in all.
        before: The trial that this one goes on with; null where it begins by itself.
        status: "pruned": found wrong or too large before anything was built.
        score: The objective at the best epoch; null where nothing was measured.
        reason: Why it failed or was pruned; "" otherwise.
        epoch: The best one, 0 where there is none.
        parameters: Of the model.
        flops: Of the model, per example.
        seconds: The time that it took.
        history: Measures of every epoch.
    """

    score: float | None
    reason: str
    epoch: int
    parameters: int | None
    flops: int | None
    seconds: float
    history: list[dict[str, float | None]]


class Search(TypedDict):
    """A search as far as it has come.

    Attributes:
        finished: Whether it is over.
        algorithm: That proposes values.
        objective: The measure that compares trials.
        direction: Whether small or large values of it are good.
        seed: Of everything that is drawn.
        planned: Trials in all; null where the algorithm decides.
        counts: Of the trials that ended.
        best: Number of the best trial; null where there is none.
        conditions: By parameter that is used only sometimes: its parents, with their values then.
        trials: In the order of their numbers; those that equal an earlier one are left out.
    """

    finished: bool
    algorithm: str
    objective: str
    direction: Literal["min", "max"]
    seed: int
    planned: int | None
    counts: Counts
    best: int | None
    conditions: dict[str, dict[str, list[Any]]]
    trials: list[TrialFacts]
