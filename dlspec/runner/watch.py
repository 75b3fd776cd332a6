"""What the runner itself does at the end of each epoch: stop at NaN, write the log, keep the best weights, show."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from dlspec.errors import Problem, did_you_mean
from dlspec.runner.progress import Progress
from dlspec.runner.run_folder import RunFolder

METRICS_FILE = "metrics.csv"


class Best:
    """The weights of the best epoch so far.

    Args:
        model: The model in training.
        monitor: The measure that compares epochs.
        smaller: Whether small values of it are good.
        save: Called with the best weights in place, at most so often that it costs a twentieth of the time.
    """

    def __init__(self, model: Any, monitor: str, smaller: bool, save: Callable[[], object]) -> None:
        self.epoch: int | None = None
        self.value: float | None = None
        self._model, self._monitor, self._smaller, self._save = model, monitor, smaller, save
        self._weights: list[Any] = []
        self._saved_at = -math.inf
        self._cost = 0.0

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
            self._weights = self._model.get_weights()
            self._save_sometimes()

    def restore(self) -> None:
        """Gives the model the best weights back."""
        if self._weights:
            self._model.set_weights(self._weights)

    def _save_sometimes(self) -> None:
        start = time.monotonic()
        if start - self._saved_at > 20 * self._cost:
            self._save()
            self._saved_at = time.monotonic()
            self._cost = self._saved_at - start


def watcher(folder: RunFolder, progress: Progress, best: Best | None) -> Any:
    """The Keras callback that does it all.

    Raises (inside ``fit``):
        Problem: E508, the loss is not finite; E509, see :class:`Best`.
    """
    import keras

    class Watcher(keras.callbacks.Callback):  # type: ignore[misc]
        history: list[dict[str, float]]

        def on_train_begin(self, logs: Any = None) -> None:
            self.history = []
            self.looked_at = time.monotonic()
            progress.start(self.params["epochs"], self.params["steps"])

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.number = epoch + 1
            self.started = time.monotonic()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            # Reading the numbers of a step waits for it, so they are read a few times a second only.
            if time.monotonic() - self.looked_at > 0.2:
                self.looked_at = time.monotonic()
                numbers = _plain(logs)
                _check_finite(numbers, f"step {batch + 1} of epoch {self.number}")
                progress.step(self.number, batch + 1, numbers)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            numbers = _plain(logs)
            seconds = time.monotonic() - self.started
            folder.append_row(METRICS_FILE, {"epoch": self.number, **numbers, "seconds": round(seconds, 3)})
            _check_finite(numbers, f"epoch {self.number}")
            self.history.append(numbers)
            if best is not None:
                best.see(self.number, numbers)
            progress.epoch(self.number, numbers, seconds)

    return Watcher()


def _plain(logs: Any) -> dict[str, float]:
    """Numbers of a step or epoch, the losses first, validation last."""
    numbers = {name: float(value) for name, value in (logs or {}).items()}
    return dict(sorted(numbers.items(), key=lambda item: (item[0].startswith("val_"), not item[0].endswith("loss"))))


def _check_finite(logs: Mapping[str, float], when: str) -> None:
    loss = logs.get("loss", 0.0)
    if not math.isfinite(loss):
        help = "lower the learning rate, clip the gradients (`clipnorm: 1`), or normalise the inputs"
        raise Problem("E508", f"the loss became {loss} in {when}", help)
