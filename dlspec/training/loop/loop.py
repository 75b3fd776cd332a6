"""The training loop: what ``fit`` does in the same order and to the same bits, but from any step on.

Keras's own loop can start at an epoch only, resets the state of callbacks and metrics, and fixes how many steps run in
one call. What a step does stays Keras's (``train_step``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from dlspec.data.feeding.feed import Feed
from dlspec.training.loop.distribution import Distribution
from dlspec.training.loop.steps import Pace, Steps
from dlspec.training.loop.training_state import Running, TrainingState
from dlspec.training.loop.watch import ordered

Logs = dict[str, float]


class NonFinite(Exception):
    """The loss of a step is infinite or not a number.

    Attributes:
        step: The step, from 0.
        loss: The mean loss of the epoch with it.
    """

    def __init__(self, step: int, loss: float) -> None:
        super().__init__()
        self.step = step
        self.loss = loss


class LoopHooks(Protocol):
    """What happens between steps."""

    def step(self, state: TrainingState, measures: Callable[[], Logs]) -> None:
        """Some steps of the epoch are done; `measures` computes what they measured."""

    def compare(self, state: TrainingState) -> None:
        """An epoch is over, and the state stands at the beginning of the next; the weights are those to keep."""

    def epoch(self, state: TrainingState) -> None:
        """The same, with the weights with which training goes on."""


@dataclass
class Loop:
    """One phase of a training.

    Attributes:
        trainer: The compiled model.
        validation: The validation split, or None.
        running: Callbacks as declared and as Keras has them.
        averaged: Puts moving averages into the weights for a while, where the optimizer keeps them.
        distribution: The devices that share each batch.
        together: Steps in one call; as many as take a tenth of a second unless given.
    """

    trainer: Any
    feed: Feed
    validation: Feed | None
    running: Running
    hooks: LoopHooks
    averaged: Callable[[], AbstractContextManager[None]]
    distribution: Distribution | None = None
    together: int | None = None

    def __post_init__(self) -> None:
        self._steps = Steps(self.trainer, self.feed.batch_type, self.distribution)
        every_step = any(declared.every_step for declared, _ in self.running)
        self._pace = Pace(1 if every_step else self.together)
        self._hooked = any(_has_batch_hooks(callback) for _, callback in self.running)

    def begin(self, epochs: int) -> None:
        """Tells the callbacks that training begins; `epochs` is the number of the last one."""
        for _, callback in self.running:
            callback.set_model(self.trainer)
            callback.set_params({"verbose": 0, "epochs": epochs, "steps": self.feed.steps})
        self._tell("on_train_begin")

    def run(self, state: TrainingState, epochs: int) -> None:
        """Trains until epoch number `epochs` is over, or a callback ends the phase.

        Raises:
            NonFinite: The loss is not finite. The weights are those before that step.
        """
        logs: Logs = dict(state.history[-1]) if state.history else {}
        while state.epoch < epochs and not state.ended:
            logs = self._epoch(state)
        if epochs:
            self.trainer.optimizer.finalize_variable_values(self.trainer.trainable_variables)
        self._tell("on_train_end", logs)

    def _epoch(self, state: TrainingState) -> Logs:
        start = time.monotonic()
        if state.step == 0:
            self.trainer.reset_metrics()
        self._tell("on_epoch_begin", state.epoch)
        if state.step < self.feed.steps:
            self._train(state)
        logs = self._measures()
        with self.averaged():
            if self.validation is not None:
                logs |= self._validate()
            self._tell("on_epoch_end", state.epoch, logs)
            logs = ordered(logs)
            state.epoch, state.step = state.epoch + 1, 0
            state.ended = bool(self.trainer.stop_training)
            state.history.append(logs)
            state.seconds.append(time.monotonic() - start)
            self.hooks.compare(state)
        self.hooks.epoch(state)
        return logs

    def _train(self, state: TrainingState) -> None:
        self.feed.set_position(state.epoch, state.step)
        batches = self.feed.batches()
        while state.step < self.feed.steps and not self.trainer.stop_training:
            wanted = self._pace.steps(self.feed.steps - state.step)
            self._tell("on_train_batch_begin", state.step)
            done, finite = self._steps.train(batches, wanted)
            self._pace.done(done)
            state.step += done
            if self._hooked:
                self._tell("on_train_batch_end", state.step - 1, self._measures())
            if not finite and not self.trainer.stop_training:
                raise NonFinite(state.step - 1, self._measures()["loss"])
            self.hooks.step(state, self._measures)

    def measure(self, feed: Feed) -> Logs:
        """Loss and metrics over all of `feed`, with the weights in place."""
        self.trainer.reset_metrics()
        self._steps.test(feed.batches(), feed.steps)
        return self._measures()

    def _validate(self) -> Logs:
        self._tell("on_test_begin")
        self._tell("on_test_batch_begin", 0)
        assert self.validation is not None
        logs = self.measure(self.validation)
        self._tell("on_test_batch_end", 0, logs)
        self._tell("on_test_end", logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def _measures(self) -> Logs:
        return {name: float(value) for name, value in self.trainer.get_metrics_result().items()}

    def _tell(self, event: str, *arguments: Any) -> None:
        for _, callback in self.running:
            getattr(callback, event)(*arguments)


def _has_batch_hooks(callback: Any) -> bool:
    import keras

    base = keras.callbacks.Callback
    return any(
        getattr(type(callback), name) is not getattr(base, name) for name in ("on_batch_end", "on_train_batch_end")
    )
