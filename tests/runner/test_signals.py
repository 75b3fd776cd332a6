"""A signal ends a command of several trainings, whatever it meets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


IMPORTING = """
import importlib, os, pathlib, signal, sys, time
from dlspec.training.loop.signals import Interrupted, terminable

def command():
    with terminable():
        import other
        time.sleep(60)

try:
    command()
except Interrupted as stop:
    print("number", stop.number, "imported", "other" in sys.modules and sys.modules["other"].done)
"""
OTHER = """
import os, signal, time
done = False
os.kill(os.getpid(), signal.{sent})
{again}
time.sleep({seconds})
done = True
"""


@pytest.mark.parametrize(
    ("again", "seconds", "printed"),
    [
        ("", 0.5, "number 15 imported True"),  # raised when the other package has returned
        ("os.kill(os.getpid(), signal.SIGTERM)", 60, "number 15 imported False"),  # a second one: at once
    ],
)
def test_a_signal_waits_for_code_of_other_packages(again: str, seconds: float, printed: str, tmp_path: Path) -> None:
    """An import of TensorFlow turns what is raised within it into a `SystemError`."""
    (tmp_path / "command.py").write_text(IMPORTING, encoding="utf-8")
    (tmp_path / "other.py").write_text(OTHER.format(sent="SIGTERM", again=again, seconds=seconds), encoding="utf-8")
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, str(tmp_path / "command.py")],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == printed, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.5, 1.2, 2.4])
def test_a_signal_while_tensorflow_is_imported(seconds: float, tmp_path: Path) -> None:
    """Wherever in its import the signal comes, the search ends with its own line and no other."""
    spec = Path(__file__).parents[1] / "tuning" / "iris.yaml"
    command = [sys.executable, "-m", "dlspec", "tune", str(spec), "--search", str(tmp_path / "s"), "--workers", "2"]
    process = subprocess.Popen([*command, "-o", str(tmp_path / "b.yaml")], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "starting TensorFlow" in process.stderr.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=50)[1]
    assert process.returncode == 143, error
    assert error.startswith("interrupted; the same command goes on"), error
