"""Progress displays: a bar on a terminal, one line per epoch elsewhere, nothing when quiet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dlspec.core.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

Logs = Mapping[str, float]
# Seconds between two updates of the bar.
_UPDATE = 0.2


class Progress:
    """Shows nothing; the base of those that do."""

    @property
    def wants_steps(self) -> bool:
        """Whether :meth:`step` should be called now."""
        return False

    def start(self, epochs: int, steps: int, examples: int, done: int = 0) -> None:
        """Training begins: `steps` and `examples` per epoch; `done` epochs were over before."""

    def note(self, text: str) -> None:
        """Something that a user should know."""

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
        self._epochs = self._examples = 0
        self._seconds: list[float] = []

    def start(self, epochs: int, steps: int, examples: int, done: int = 0) -> None:
        """Notes the number of epochs, steps and examples."""
        self._epochs, self._examples = epochs, examples

    def note(self, text: str) -> None:
        """Prints a line."""
        self._console.print(printable(text), highlight=False, markup=False, soft_wrap=True)

    def epoch(self, epoch: int, logs: Logs, seconds: float) -> None:
        """Prints the line, with the rate and the time that is left at this rate."""
        width = len(str(self._epochs))
        self._seconds.append(seconds)
        recent = (self._seconds[1:] or self._seconds)[-5:]  # the first epoch also compiles
        left = (self._epochs - epoch) * sum(recent) / len(recent)
        rate = f"{self._examples / max(seconds, 1e-9):,.0f} examples/s"
        line = f"epoch {epoch:{width}}/{self._epochs}  {show_logs(logs)}  {show_time(seconds)}  {rate}"
        self.note(line + (f"  {show_time(left)} left" if epoch < self._epochs else ""))


class BarProgress(LineProgress):
    """A bar for the running epoch below the lines of those that are over."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._shown = 0.0

    @property
    def wants_steps(self) -> bool:
        """A few times a second: what a step measured takes time to compute."""
        return time.monotonic() - self._shown >= _UPDATE

    def start(self, epochs: int, steps: int, examples: int, done: int = 0) -> None:
        """Draws the bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        super().start(epochs, steps, examples, done)
        rate = TextColumn("{task.fields[rate]}")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), rate)
        self._bar = Progress(*columns, TextColumn("{task.fields[logs]}"), console=self._console, transient=True)
        self._bar.start()
        self._steps = steps
        description = f"epoch {done + 1}/{epochs}"
        self._task = self._bar.add_task(description, total=steps * epochs, completed=steps * done, logs="", rate="")

    def step(self, epoch: int, done: int, logs: Logs) -> None:
        """Moves the bar."""
        self._shown = time.monotonic()
        if self._bar is not None and self._task is not None:
            speed = self._bar.tasks[0].speed or 0.0
            self._bar.update(
                self._task,
                completed=(epoch - 1) * self._steps + done,
                description=f"epoch {epoch}/{self._epochs}",
                logs=show_logs(logs),
                rate=f"{speed * self._examples / self._steps:,.0f} examples/s" if speed else "",
            )

    def stop(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def choose(console: Console | None) -> Progress:
    """The progress display that suits the console; a silent one for None. rich itself honours ``NO_COLOR``."""
    if console is None:
        return Progress()
    return BarProgress(console) if console.is_terminal else LineProgress(console)


def show_logs(logs: Logs) -> str:
    """Measures as ``loss 0.1234  accuracy 0.9712``."""
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())


def show_time(seconds: float) -> str:
    """``1.3 s``, ``12 min 5 s``, ``3 h 2 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
