"""The trials of a search, and what they come to so far, kept up as they begin and end: none is looked at twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dlspec.tuning.workers.trial import PRUNED, Result


@dataclass
class Trial:
    """One trial of the search.

    Attributes:
        number: From 1.
        values: Of the searched parameters.
        epochs: Epochs in all.
        before: Number of the trial that it goes on with, or None.
        same_as: Number of the earlier trial that differs in nothing, whose result it has; or None.
    """

    number: int
    handle: str
    values: dict[str, Any]
    epochs: int
    before: int | None = None
    same_as: int | None = None
    result: Result | None = None

    @property
    def score(self) -> float | None:
        """The objective, where it was measured."""
        return self.result.score if self.result is not None else None


@dataclass
class Tally:
    """The trials that count as such: neither pruned nor there before.

    Attributes:
        smaller: Whether small values of the objective are good.
        counted: How many there are.
        ended: How many of them ended.
        seconds: How long these took, together.
        best: The best of them; of equal ones the first.
        since: How many ended after it.
    """

    smaller: bool
    counted: int = 0
    ended: int = 0
    seconds: float = 0.0
    best: Trial | None = None
    since: int = 0

    def begin(self, trial: Trial) -> None:
        """Counts a trial that was proposed."""
        self.counted += trial.same_as is None

    def end(self, trial: Trial) -> None:
        """Counts a trial that has its result."""
        result = trial.result
        if result is None or trial.same_as is not None:
            return
        if result.status == PRUNED:
            self.counted -= 1
            return
        self.ended += 1
        self.seconds += result.seconds
        self.since += 1
        if result.score is not None and self._better(result.score):
            self.best, self.since = trial, 0

    def _better(self, score: float) -> bool:
        best = self.best.score if self.best is not None else None
        return best is None or (score < best if self.smaller else score > best)
