"""One phase of a compiled Keras model: what ``fit`` does in the same order and to the same bits, but from any step on.

Keras's own loop can start at an epoch only, resets the state of callbacks and metrics, and fixes how many steps run in
one call. What a step does stays Keras's (``train_step``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from dlspec.training.loop.backend import Feed, Steps
from dlspec.training.loop.steps import Pace
from dlspec.training.loop.trainer import Logs, NonFinite
from dlspec.training.loop.training_state import Running, TrainingState


@dataclass
class KerasPhase:
    """See above; its parts are those of :class:`dlspec.training.loop.trainer.Trainer`.

    Attributes:
        model: The compiled model.
        steps: Its training and test steps.
        validation: The validation split, or None.
        running: Callbacks as declared and as Keras has them.
        averaged: Puts moving averages into the weights for a while, where the optimizer keeps them.
        together: Steps in one call; as many as take a tenth of a second unless given.
    """

    model: Any
    feed: Feed
    steps: Steps
    validation: Feed | None
    running: Running
    averaged: Callable[[], AbstractContextManager[None]]
    together: int | None = None
    _batches: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        every_step = any(declared.every_step for declared, _ in self.running)
        self._pace = Pace(1 if every_step else self.together)
        self._hooked = any(_has_batch_hooks(callback) for _, callback in self.running)

    def begin(self, last: int) -> None:
        """Tells the callbacks that training begins; `last` is the number of the last epoch."""
        for _, callback in self.running:
            callback.set_model(self.model)
            callback.set_params({"verbose": 0, "epochs": last, "steps": self.feed.steps})
        self._tell("on_train_begin")

    def epoch(self, state: TrainingState) -> None:
        """An epoch begins, or goes on from the step at which `state` stands."""
        if state.step == 0:
            self.model.reset_metrics()
        self._tell("on_epoch_begin", state.epoch)
        if state.step < self.feed.steps:
            self.feed.set_position(state.epoch, state.step)
            self._batches = self.feed.batches()

    def step(self, state: TrainingState) -> bool:
        """Takes as many steps as one call shall last; whether there were any left.

        Raises:
            NonFinite: The loss is not finite. The weights are those before that step.
        """
        if state.step >= self.feed.steps or self.model.stop_training:
            self._batches = None
            return False
        wanted = self._pace.steps(self.feed.steps - state.step)
        self._tell("on_train_batch_begin", state.step)
        done, finite = self.steps.train(self._batches, wanted)
        self._pace.done(done)
        state.step += done
        if self._hooked:
            self._tell("on_train_batch_end", state.step - 1, self.measures())
        if not finite and not self.model.stop_training:
            raise NonFinite(state.step - 1, _broken(self.measures()))
        return True

    @contextmanager
    def over(self, state: TrainingState) -> Iterator[Logs]:
        """The measures of an epoch that is over; meanwhile, moving averages stand in the weights."""
        logs = self.measures()
        with self.averaged():
            if self.validation is not None:
                logs |= self._validate(self.validation)
            self._tell("on_epoch_end", state.epoch, logs)
            yield logs

    def end(self, state: TrainingState) -> None:
        """Ends the phase and its callbacks."""
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        self._tell("on_train_end", dict(state.history[-1]) if state.history else {})

    def close(self) -> None:
        """Closes what callbacks have open, however the phase ended."""
        for declared, callback in self.running:
            declared.close(callback)

    def measure(self, feed: Feed) -> Logs:
        """Loss and metrics over all of `feed`, with the weights in place."""
        return self._measured(feed, self.steps.test)

    def _measured(self, feed: Feed, take: Callable[[Any, int], None]) -> Logs:
        self.model.reset_metrics()
        take(feed.batches(), feed.steps)
        return self.measures()

    def measures(self) -> Logs:
        """Measures of the epoch so far, by name."""
        return {name: float(value) for name, value in self.model.get_metrics_result().items()}

    def _validate(self, validation: Feed) -> Logs:
        self._tell("on_test_begin")
        self._tell("on_test_batch_begin", 0)
        logs = self._measured(validation, self.steps.validate)
        self._tell("on_test_batch_end", 0, logs)
        self._tell("on_test_end", logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def _tell(self, event: str, *arguments: Any) -> None:
        for _, callback in self.running:
            getattr(callback, event)(*arguments)


def _broken(measures: Logs) -> float:
    """The loss that is not finite: that of the training, or of one of its learners."""
    losses = [value for name, value in measures.items() if name == "loss" or name.endswith("_loss")]
    return next((value for value in losses if not math.isfinite(value)), math.nan)


def _has_batch_hooks(callback: Any) -> bool:
    import keras

    base = keras.callbacks.Callback
    return any(
        getattr(type(callback), name) is not getattr(base, name) for name in ("on_batch_end", "on_train_batch_end")
    )
