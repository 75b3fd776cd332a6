"""The loop around the oracle: propose, prune, run, record; from any event on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dlspec.core.errors import Problem
from dlspec.training.loop.signals import stop_if_asked
from dlspec.tuning.plan.oracles import Driver, Proposal
from dlspec.tuning.plan.plan import Plan
from dlspec.tuning.plan.spaces import hyperparameters
from dlspec.tuning.search.record import Event, Record
from dlspec.tuning.search.tally import Tally, Trial
from dlspec.tuning.workers.trial import COMPLETED, PRUNED, Result, Task, check
from dlspec.tuning.workers.workers import Workers
from dlspec.views.pages.index import MODELS_FOLDER

# Proposals in a row that were there before, or were pruned, after which the space counts as exhausted.
_FRUITLESS = 200
# Files of a trial that only the best one keeps.
_HEAVY = ("*.keras", "checkpoint*", MODELS_FOLDER)


@dataclass
class Search:
    """A search in its folder.

    Attributes:
        spec: The file.
        overrides: ``--set`` of the command line.
        on_trial_end: Called with each trial that ended.
    """

    plan: Plan
    spec: Path
    overrides: tuple[str, ...]
    folder: Path
    record: Record
    allow_outside: bool = False
    allow_code: bool = False
    on_trial_end: Callable[[Trial], None] = lambda trial: None
    trials: list[Trial] = field(default_factory=list)
    _keys: dict[tuple[str, int], int] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _fruitless: int = 0

    def __post_init__(self) -> None:
        plan = self.plan
        space = hyperparameters(plan.spaces, plan.conditions, grid=plan.tune.algorithm.listing)
        self._driver = Driver(plan.tune, space, plan.epochs, plan.smaller)
        self._elapsed = 0.0
        self.tally = Tally(plan.smaller)
        for event in self.record:
            self._replay(event)

    # --- results --------------------------------------------------------------------------------------------------

    @property
    def best(self) -> Trial | None:
        """The best trial so far; of equal ones the first."""
        return self.tally.best

    @property
    def counted(self) -> list[Trial]:
        """The trials that count as such: neither pruned nor there before."""
        return [trial for trial in self.trials if trial.same_as is None and not _pruned(trial)]

    # --- going on -------------------------------------------------------------------------------------------------

    def _replay(self, event: Event) -> None:
        if event.kind == "proposed":
            again = self._driver.propose()
            if again is None or again.values != event.facts["values"]:
                text = f"trial {event.trial} would have other values now than it had"
                help = "Keras Tuner or the spec changed: begin another search with `--new`"
                raise Problem("E532", f"the search in `{self.folder}` cannot go on: {text}", help)
            self._take(again, event.trial, event.facts.get("same_as"))
        elif event.kind == "ended":
            trial = self.trials[event.trial - 1]
            self._elapsed += self._ended(trial, Result(**event.facts)).seconds

    def _take(self, proposal: Proposal, number: int, same_as: int | None) -> Trial:
        before = self._numbers.get(proposal.before)
        trial = Trial(number, proposal.handle, proposal.values, self._epochs(proposal), before, same_as)
        self.trials.append(trial)
        self._numbers.setdefault(trial.handle, number)
        self.tally.begin(trial)
        if same_as is None:
            self._keys.setdefault(self._key(proposal), number)
        return trial

    def _epochs(self, proposal: Proposal) -> int:
        return min(proposal.epochs or self.plan.epochs, self.plan.epochs)

    def _key(self, proposal: Proposal) -> tuple[str, int]:
        """A key that is equal for trials with equal results."""
        return self.plan.key(proposal.values), self._epochs(proposal)

    def run(self, workers: Workers[Result]) -> None:
        """Runs trials until the plan is done.

        Results are told in the order of the trials, so that they do not depend on which process is faster.

        Raises:
            KeyboardInterrupt: The record holds everything that ended.
        """
        running: list[tuple[Trial, Callable[[], Result]]] = []
        started = time.monotonic() - self._elapsed
        waiting = [trial for trial in self.trials if trial.result is None]
        try:
            while True:
                while len(running) < workers.count:
                    trial = waiting.pop(0) if waiting else self._next(time.monotonic() - started, len(running))
                    if trial is None:
                        break
                    running.append((trial, workers.submit(self._task(trial))))
                if not running:
                    return
                trial, wait = running.pop(0)
                self._end(trial, wait())
                stop_if_asked()
        finally:
            workers.close()

    def _next(self, elapsed: float, running: int) -> Trial | None:
        """The next trial that has to be run; None where there is none now, or none any more."""
        while not self._over(elapsed):
            proposal = self._driver.propose()
            if proposal is None:
                return None
            number = len(self.trials) + 1
            same_as = self._keys.get(self._key(proposal))
            self.record.add(Event("proposed", number, {"values": proposal.values, "same_as": same_as}))
            trial = self._take(proposal, number, same_as)
            ended = self._known(trial)
            if ended is None:
                self._fruitless = 0
                return trial
            self._fruitless += 1
            self._end(trial, ended)
        return None

    def _known(self, trial: Trial) -> Result | None:
        """The result of a trial that need not be run: it was there before, or is wrong or too large."""
        if trial.same_as is not None:
            return self.trials[trial.same_as - 1].result or Result(PRUNED, reason="the same trial runs")
        before = self.trials[trial.before - 1].result if trial.before is not None else None
        if before is not None and before.score is None:  # Hyperband takes the worst where it has too few others
            return Result(PRUNED, reason=f"it would go on with trial {trial.before}, which {_became(before)}")
        checked = check(self._task(trial))
        return checked if isinstance(checked, Result) else None

    def _over(self, elapsed: float) -> bool:
        tune, tally = self.plan.tune, self.tally
        if self._fruitless >= _FRUITLESS or (self.plan.trials is not None and tally.counted >= self.plan.trials):
            return True
        if tune.seconds is not None and elapsed >= tune.seconds:
            return True
        return tune.patience is not None and tally.best is not None and tally.since >= tune.patience

    def _task(self, trial: Trial) -> Task:
        return Task(
            self.spec, self.overrides, self.plan.written(trial.values), self.path(trial.number),
            self.plan.tune.objective, self.plan.smaller, trial.epochs,
            self.path(trial.before) if trial.before else None, self.plan.limits, self.allow_outside, self.allow_code,
        )  # fmt: skip

    def path(self, number: int) -> Path:
        """Path of the run folder of trial `number`."""
        return self.folder / "trials" / f"{number:04}"

    def _end(self, trial: Trial, result: Result) -> None:
        former = self.best
        self.record.add(Event("ended", trial.number, result.facts()))
        self._ended(trial, result)
        self._lighten(former)
        self.on_trial_end(trial)

    def _ended(self, trial: Trial, result: Result) -> Result:
        trial.result = result
        self.tally.end(trial)
        self._driver.tell(trial.handle, trial.score)
        return result

    def _lighten(self, former: Trial | None) -> None:
        """Models and checkpoints of trials that nothing needs any more are deleted; Hyperband may go on with any.

        Args:
            former: The best one before the last trial ended.
        """
        if self.plan.tune.algorithm.halving:
            return
        best = self.best
        for trial in (*self.trials[-8:], *([former] if former is not None else ())):
            if trial is best or trial.result is None or trial.result.status != COMPLETED:
                continue
            for pattern in _HEAVY:
                for path in self.path(trial.number).glob(pattern):
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _became(result: Result) -> str:
    return "was pruned" if result.status == PRUNED else result.status


def _pruned(trial: Trial) -> bool:
    return trial.result is not None and trial.result.status == PRUNED
