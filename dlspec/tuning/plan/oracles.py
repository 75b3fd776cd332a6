"""Keras Tuner's oracles, driven trial by trial, with what they lack: seed 0, failures that count, no own files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from dlspec.backends.keras.internals import keep_in_memory, seed_oracle, trial_status
from dlspec.components.registry import load_attribute
from dlspec.components.sections.tune import Tune

# Values that Keras Tuner itself puts beside those of the space.
OWN = "tuner/"


class Proposal(NamedTuple):
    """Values that an oracle proposes for a trial.

    Attributes:
        handle: The oracle's own identifier.
        values: Of the parameters that are used.
        epochs: Epochs of the trial in all; None for those of the search.
        before: Handle of the trial that this one goes on with, or "".
    """

    handle: str
    values: dict[str, Any]
    epochs: int | None = None
    before: str = ""


class Driver:
    """One oracle. The same calls in the same order give the same proposals, which is how a search goes on after a kill.

    Args:
        tune: The section.
        space: Keras Tuner's ``HyperParameters``.
        epochs: Epochs of a trial at most.
        smaller: Whether small values of the objective are good.
    """

    def __init__(self, tune: Tune, space: Any, epochs: int, smaller: bool) -> None:
        self._smaller = smaller
        self._names = {parameter.name for parameter in space.space}
        self._oracle = _oracle(tune, space, epochs, "min" if smaller else "max")
        self._halving = tune.algorithm.halving

    def propose(self) -> Proposal | None:
        """The next trial; None where the oracle has no further one, now or ever."""
        # Each trial is a client of its own, since an oracle gives a client the same trial until it ends.
        with warnings.catch_warnings():
            # Measures that hardly depend on the values fit no model well, which nobody who searches can mend.
            warnings.filterwarnings("ignore", category=UserWarning, module="sklearn.gaussian_process")
            trial = self._oracle.create_trial(f"client {len(self._oracle.start_order)}")
        if trial.status != trial_status().RUNNING:
            return None
        values = trial.hyperparameters.values
        own = {name: value for name, value in values.items() if name in self._names}
        epochs, before = values.get(f"{OWN}epochs"), values.get(f"{OWN}trial_id", "")
        return Proposal(trial.trial_id, own, epochs, str(before or ""))

    @property
    def waiting(self) -> bool:
        """Whether trials that run may bring further ones."""
        return bool(self._oracle.ongoing_trials)

    def tell(self, handle: str, score: float | None) -> None:
        """Reports the score of a trial to the oracle; None for one that failed."""
        trial = self._oracle.trials[handle]
        if score is None and self._halving:
            # Hyperband waits for ever for trials that failed; as the worst of all they are simply not promoted.
            score = math.inf if self._smaller else -math.inf
        if score is None:
            trial.status = trial_status().FAILED
        else:
            self._oracle.update_trial(handle, {self._oracle.objective.name: score})
            trial.status = trial_status().COMPLETED
        self._oracle.end_trial(trial)


def _oracle(tune: Tune, space: Any, epochs: int, direction: str) -> Any:
    import keras_tuner

    options: Mapping[str, Any] = {"max_trials": None}
    if tune.algorithm.halving:
        options = {"max_epochs": epochs}
    made = load_attribute(tune.algorithm.oracle)(
        objective=keras_tuner.Objective("objective", direction),
        hyperparameters=space,
        allow_new_entries=False,
        tune_new_entries=False,
        seed=tune.seed,
        max_consecutive_failed_trials=1_000_000_000,
        **options,
    )
    seed_oracle(made, tune.seed)
    keep_in_memory(made)  # the search's own record is enough to make it anew
    made.verbose = 0
    return made
