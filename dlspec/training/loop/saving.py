"""The runner's work between the steps of a training: checkpoints, log, best epoch, progress, signals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dlspec.core.errors import Problem
from dlspec.training.loop.progress import Progress
from dlspec.training.loop.signals import Interrupted, Signals
from dlspec.training.loop.training_state import TrainingState
from dlspec.training.loop.watch import METRICS_FILE, Best, Sometimes
from dlspec.training.run.checkpoint import Checkpoint, Checkpoints, unwritable
from dlspec.training.run.run_folder import RunFolder

# Seconds that a save is taken to cost until one was measured.
_GUESS = 0.05
# What is shown between steps takes at most a tenth of the time: some measures are computed from all answers so far.
_PAUSE = 9


@dataclass
class Saving:
    """Keeps a training on the disk and shows it, at the moments of :class:`dlspec.training.loop.loop.LoopHooks`.

    Attributes:
        folder: Where it stands.
        checkpoints: The files that it goes on from.
        progress: What shows it.
        signals: Those that end it between two steps.
        best: The best epoch so far; None where only the last one is kept.
        capture: Gives the whole state of the training at this moment; None where it is not worth keeping.
        every: Seconds after which it is saved even inside an epoch.
        last: The epoch at the end of which the phase is over.
        rollback: Whether the beginning of every epoch is kept as well, to go back to.
        once_running: Called when the first steps are done.
        after_epoch: Called with the number of each epoch that is over, while the weights to keep are in place.
    """

    folder: RunFolder
    checkpoints: Checkpoints
    progress: Progress
    signals: Signals
    best: Best | None
    capture: Callable[[], Checkpoint | None]
    every: float
    last: int
    rollback: bool = False
    once_running: Callable[[], object] | None = None
    after_epoch: Callable[[int], object] | None = None
    _often: Sometimes = field(init=False)
    _shown_again: float = 0.0

    def __post_init__(self) -> None:
        self._often = Sometimes(self._save, _GUESS)

    def step(self, state: TrainingState, measures: Callable[[], dict[str, float]]) -> None:
        """Saves when it is time, and stops when a signal has come."""
        if self.once_running is not None:
            self.once_running()
            self.once_running = None
        if self._often.waited >= self.every:
            self._often.now()
        self._obey(state)
        if self.progress.wants_steps and time.monotonic() >= self._shown_again:
            started = time.monotonic()
            self.progress.step(state.epoch + 1, state.step, measures())
            self._shown_again = time.monotonic() + _PAUSE * (time.monotonic() - started)

    def compare(self, state: TrainingState) -> None:
        """Shows the epoch to the best one, and to whoever looks at it."""
        if self.best is not None:
            self.best.see(state.epoch, state.history[-1])
        if self.after_epoch is not None:
            self.after_epoch(state.epoch)

    def epoch(self, state: TrainingState) -> None:
        """Writes the log, and saves at the end of the phase or when it is time."""
        try:
            self.folder.append_row(METRICS_FILE, {"epoch": state.epoch, **state.history[-1]})
        except OSError as error:
            raise unwritable(self.folder.path / METRICS_FILE, error) from error
        self.progress.epoch(state.epoch, state.history[-1], state.seconds[-1])
        if self.rollback:
            self.keep_beginning()
        if state.ended or state.epoch >= self.last or self._often.waited >= self.every:
            self._often.now()
        else:
            self._often.maybe()
        self._obey(state)

    def keep_beginning(self) -> None:
        """Keeps the beginning of an epoch, to go back to."""
        checkpoint = self.capture()
        if checkpoint is not None:
            self.checkpoints.save_beginning(checkpoint)

    def _obey(self, state: TrainingState) -> None:
        number = self.signals.check()
        if number is not None:
            self._often.now()
            raise Interrupted(number, str(state))

    def _save(self) -> None:
        checkpoint = self.capture()
        if checkpoint is not None:
            self.checkpoints.save(checkpoint)


def guarded(act: Callable[[], object], folder: RunFolder) -> None:
    """Does something that writes into the run folder.

    Raises:
        Problem: E511, it could not.
    """
    try:
        act()
    except Problem:
        raise
    except OSError as error:
        raise unwritable(folder.path, error) from error
