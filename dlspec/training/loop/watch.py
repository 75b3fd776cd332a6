"""The runner's hooks between the steps of a training: save, show, keep the best weights, write the log."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from dlspec.core.errors import Problem, did_you_mean

METRICS_FILE = "metrics.csv"
# Share of the time that saving may take where nothing else says when to save.
_SHARE = 0.05


class Sometimes:
    """Does something at most so often that it costs a twentieth of the time.

    Args:
        act: What to do.
        guess: Seconds that it takes, until it was measured; so the first time is not at the very start.
    """

    def __init__(self, act: Callable[[], object], guess: float) -> None:
        self._act, self._cost = act, guess
        self._last = time.monotonic()

    @property
    def waited(self) -> float:
        """Seconds since the action was done last."""
        return time.monotonic() - self._last

    def maybe(self) -> None:
        """Does the action if its time has come."""
        if self.waited * _SHARE >= self._cost:
            self.now()

    def now(self) -> None:
        """Does the action."""
        start = time.monotonic()
        self._act()
        self._last = time.monotonic()
        self._cost = self._last - start


class Best:
    """The weights of the best epoch so far.

    Args:
        model: The model in training.
        monitor: The measure that compares epochs.
        smaller: Whether small values of it are good.
        save: Called with the best weights in place, now and then.
    """

    def __init__(self, model: Any, monitor: str, smaller: bool, save: Callable[[], object]) -> None:
        self.epoch: int | None = None
        self.value: float | None = None
        self.weights: list[Any] = []
        self._model, self._monitor, self._smaller = model, monitor, smaller
        self._save = Sometimes(save, guess=0.5)

    def see(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Looks at epoch number `epoch` (from 1).

        Raises:
            Problem: E509, there is no such measure.
        """
        if self._monitor not in logs:
            raise Problem(
                "E509", f"training measures no `{self._monitor}`", did_you_mean(self._monitor, logs), "monitor"
            )
        value = logs[self._monitor]
        better = self.value is None or (value < self.value if self._smaller else value > self.value)
        if better and not math.isnan(value):
            self.epoch, self.value = epoch, value
            self.weights = self._model.get_weights()
            self._save.maybe()

    def restore(self) -> None:
        """Gives the model the best weights back."""
        if self.weights:
            self._model.set_weights(self.weights)


def ordered(logs: Mapping[str, Any]) -> dict[str, float]:
    """Numbers of a step or epoch, the losses first, validation last."""
    numbers = {name: float(value) for name, value in logs.items()}
    return dict(sorted(numbers.items(), key=lambda item: (item[0].startswith("val_"), not item[0].endswith("loss"))))
