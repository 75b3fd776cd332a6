"""A signal ends a command of several trainings, whatever it meets."""

from __future__ import annotations

import os
import signal

import pytest

from dlspec.training.loop.signals import Interrupted, Signals, stop_if_asked, terminable


class _Ending:
    """Is asked to stop where Python cannot raise: at the end of an object."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_could_not_be_raised_is_obeyed_between_trainings() -> None:
    """Python prints what `__del__` raises and goes on; the study does not."""
    with terminable(), pytest.raises(Interrupted):
        _Ending()
        stop_if_asked()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_could_not_be_raised_ends_the_next_training() -> None:
    """It came while a model was built."""
    with terminable():
        _Ending()
        signals = Signals()
        with signals.caught():
            assert signals.check() == signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_last_step_ends_the_command(number: signal.Signals) -> None:
    """The training is over, and nothing of it is lost."""
    before = signal.signal(number, signal.SIG_DFL)  # `nohup` has SIGHUP ignored, and so dlspec leaves it
    try:
        with terminable():
            with Signals().caught():
                os.kill(os.getpid(), number)
            with pytest.raises(Interrupted) as stop:
                stop_if_asked()
    finally:
        signal.signal(number, before)
    assert stop.value.number == number


def test_trainings_of_their_own_know_nothing_of_each_other() -> None:
    """A program that trains twice: the first training ended with a signal that its caller has dealt with."""
    with Signals().caught():
        os.kill(os.getpid(), signal.SIGINT)
    signals = Signals()
    with signals.caught():
        assert signals.check() is None


def test_nothing_stays_for_the_next_command() -> None:
    """Handlers and what they noted are as before."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with terminable(), Signals().caught():
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    with terminable():
        stop_if_asked()
