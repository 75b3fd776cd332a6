"""Ctrl-C, SIGTERM and the end of the terminal (SIGHUP) end a training after the step that runs, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A signal ended the training at a moment from which it can go on.

    Attributes:
        number: Of the signal.
        place: Where the training goes on.
    """

    def __init__(self, number: int, resumes_at: str = "") -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number
        self.resumes_at = resumes_at


# Signals that came when a training had no step left: it is over, but what trains again and again has to stop.
_TOO_LATE: list[int] = []


def stop_if_asked() -> None:
    """Between two trainings of one command: obeys a signal that the first of them could not obey any more.

    Raises:
        Interrupted: There was one.
    """
    if _TOO_LATE:
        raise Interrupted(_TOO_LATE.pop())


class Signals:
    """Whether a signal has come."""

    def __init__(self) -> None:
        self._number: int | None = None

    def check(self) -> int | None:
        """The number of the signal that has come; None without one."""
        return self._number

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Signals are noted meanwhile rather than obeyed; a second Ctrl-C is obeyed at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may say what signals do
            return
        _TOO_LATE.clear()
        before = {number: signal.signal(number, self._note) for number in _heeded()}
        try:
            yield
            if self._number is not None:  # it came after the last step
                _TOO_LATE.append(self._number)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            raise Interrupted(number)
        self._number = number


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM and SIGHUP raise :class:`Interrupted`, as Ctrl-C raises a KeyboardInterrupt."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    before = {number: signal.signal(number, stop) for number in _heeded() if number != signal.SIGINT}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded() -> list[signal.Signals]:
    """Signals to act on: `nohup` has SIGHUP ignored, and so it stays."""
    return [number for number in _SIGNALS if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN]
