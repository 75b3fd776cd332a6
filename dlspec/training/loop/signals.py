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


# Signals that have come to a command of several trainings. A training that has no step left cannot obey any more, and
# code that Python calls where nothing can be raised (the end of an object, a callback out of C++) swallows what a
# handler raises.
_ASKED: list[int] = []
# The commands of several trainings that run: none, or one.
_COMMANDS: list[None] = []


def stop_if_asked() -> None:
    """Between two trainings of one command: obeys a signal that has not ended it yet.

    Raises:
        Interrupted: There was one.
    """
    if _ASKED:
        raise Interrupted(_ASKED.pop())


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
        if not _COMMANDS:
            _ASKED.clear()
        before = {number: signal.signal(number, self._note) for number in _heeded()}
        try:
            if _ASKED:  # it came while the model was built, and did not end the command
                self._number = _ASKED.pop()
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._number is not None:
                _ASKED.append(self._number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            raise Interrupted(number)
        self._number = number


@contextmanager
def terminable() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP raise :class:`Interrupted` and are noted for :func:`stop_if_asked`.

    Ctrl-C is heeded also where whoever started the process had it ignored (a shell without job control does that to
    what it starts in the background), as it is within a training.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        _ASKED.append(number)
        raise Interrupted(number)

    _ASKED.clear()
    _COMMANDS.append(None)
    before = {number: signal.signal(number, stop) for number in _heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _COMMANDS.pop()


def _heeded() -> list[signal.Signals]:
    """Signals to act on: `nohup` has SIGHUP ignored, and so it stays."""
    return [number for number in _SIGNALS if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN]
