"""How a run shows that it is alive: a bar on a terminal, one line per epoch elsewhere, nothing when quiet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

Logs = Mapping[str, float]


class Progress:
    """Shows nothing; the base of those that do."""

    def start(self, epochs: int, steps: int) -> None:
        """Training begins: `steps` per epoch."""

    def step(self, epoch: int, done: int, logs: Logs) -> None:
        """`done` steps of epoch number `epoch` (from 1) are done."""

    def epoch(self, epoch: int, logs: Logs, seconds: float) -> None:
        """Epoch number `epoch` (from 1) is over."""

    def stop(self) -> None:
        """Training is over, in whatever way."""


class LineProgress(Progress):
    """One line per epoch."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._epochs = 0

    def start(self, epochs: int, steps: int) -> None:
        """Notes the number of epochs."""
        self._epochs = epochs

    def epoch(self, epoch: int, logs: Logs, seconds: float) -> None:
        """Prints the line."""
        width = len(str(self._epochs))
        line = f"epoch {epoch:{width}}/{self._epochs}  {show_logs(logs)}  {seconds:.1f} s"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


class BarProgress(LineProgress):
    """A bar for the running epoch below the lines of those that are over."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def start(self, epochs: int, steps: int) -> None:
        """Draws the bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().start(epochs, steps)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[logs]}"), console=self._console, transient=True)
        self._bar.start()
        self._steps = steps
        self._task = self._bar.add_task(f"epoch 1/{epochs}", total=steps * epochs, logs="")

    def step(self, epoch: int, done: int, logs: Logs) -> None:
        """Moves the bar."""
        if self._bar is not None and self._task is not None:
            completed = (epoch - 1) * self._steps + done
            description = f"epoch {epoch}/{self._epochs}"
            self._bar.update(self._task, completed=completed, description=description, logs=show_logs(logs))

    def stop(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def choose(console: Console | None) -> Progress:
    """What suits the console; None means quiet. rich itself honours ``NO_COLOR``."""
    if console is None:
        return Progress()
    return BarProgress(console) if console.is_terminal else LineProgress(console)


def show_logs(logs: Logs) -> str:
    """Measures as ``loss 0.1234  accuracy 0.9712``."""
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())
