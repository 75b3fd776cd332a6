"""Ctrl-C, SIGTERM and the end of the terminal (SIGHUP) end a training after the step that runs, with a checkpoint."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import cast

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

    Within code of other packages, imports included, a first signal is not raised but sent again until that code has
    returned, for at most ``_PATIENCE`` seconds: much of it is C++, which turns what a handler raises into an error of
    its own or prints it and goes on. A second one is raised at once.

    Ctrl-C is heeded also where whoever started the process had it ignored (a shell without job control does that to
    what it starts in the background), as it is within a training.
    """
    stop = _Stop()
    _ASKED.clear()
    _COMMANDS.append(None)
    before = {number: signal.signal(number, stop) for number in _heeded()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.ended = True
        _COMMANDS.pop()


# How long code of other packages may go on after a signal, and how often is tried meanwhile; both in seconds.
_PATIENCE = 10.0
_INTERVAL = 0.1


class _Stop:
    """The handler of signals while a command of several trainings runs."""

    def __init__(self) -> None:
        self.ended = False  # the command has ended, or what was raised is on its way
        self._again = False  # whether the next signal is one that was sent again
        self._until: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        again, self._again = self._again, False
        if again and self.ended:
            return
        if not again:
            _ASKED.append(number)
        late = self.ended or (self._until is not None and (not again or time.monotonic() > self._until))
        if late or _raises_through(frame):
            self.ended = True
            raise Interrupted(number)
        if self._until is None:
            self._until = time.monotonic() + _PATIENCE
            # No `threading.Thread`: its start takes locks, which the code that was interrupted may hold.
            _thread.start_new_thread(self._send_again, (number,))

    def _send_again(self, number: int) -> None:
        while not self.ended:
            time.sleep(_INTERVAL)
            # A training that has taken the signal has a handler of its own, and nothing is asked any more.
            handler: object = signal.getsignal(number)
            if self.ended or not _ASKED or handler is not self:
                break
            self._again = True
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(cast("int", threading.main_thread().ident), number)  # ends a wait as well
            else:
                _thread.interrupt_main(signal.Signals(number))
        self._until = None


# Whose code lets pass what a handler raises.
_OURS = {"dlspec", "click", "__main__", *sys.stdlib_module_names} - {"importlib", "_frozen_importlib"}
# Starts processes and the threads that serve them: what is half begun could not be ended. Waits are elsewhere.
_STARTING = ("concurrent.futures.process", "multiprocessing")


def _raises_through(frame: FrameType | None) -> bool:
    """Whether what is raised in a frame gets to the command that called it: no package of others is between."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("dlspec.cli"):
            return True
        if module.partition(".")[0] not in _OURS or module.startswith(_STARTING):
            return False
        frame = frame.f_back
    return True


def _heeded() -> list[signal.Signals]:
    """Signals to act on: `nohup` has SIGHUP ignored, and so it stays."""
    return [number for number in _SIGNALS if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN]
