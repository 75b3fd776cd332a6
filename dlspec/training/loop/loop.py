"""The loop over epochs and steps, for any trainer, from any step on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from dlspec.training.loop.trainer import Logs, Trainer
from dlspec.training.loop.training_state import TrainingState
from dlspec.training.loop.watch import ordered


class LoopHooks(Protocol):
    """Callbacks of the training loop between steps."""

    def step(self, state: TrainingState, measures: Callable[[], Logs]) -> None:
        """Some steps of the epoch are done; `measures` computes what they measured."""

    def compare(self, state: TrainingState) -> None:
        """An epoch is over, and the state stands at the beginning of the next; the weights are those to keep."""

    def epoch(self, state: TrainingState) -> None:
        """An epoch is over, as for :meth:`compare`; the weights are those with which training goes on."""


def run(trainer: Trainer, hooks: LoopHooks, state: TrainingState, last: int) -> None:
    """Trains until epoch number `last` is over, or the trainer ends the phase.

    Raises:
        NonFinite: The loss is not finite. The weights are those before that step.
    """
    while state.epoch < last and not state.ended:
        _epoch(trainer, hooks, state)


def _epoch(trainer: Trainer, hooks: LoopHooks, state: TrainingState) -> None:
    start = time.monotonic()
    trainer.epoch(state)
    while trainer.step(state):
        hooks.step(state, trainer.measures)
    with trainer.over(state) as logs:
        state.epoch, state.step = state.epoch + 1, 0
        state.ended = trainer.stopped
        state.history.append(ordered(logs))
        state.seconds.append(time.monotonic() - start)
        hooks.compare(state)
    hooks.epoch(state)
