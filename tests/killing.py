"""Real processes of `dlspec`, killed at a chosen moment or at random ones."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import ROOT

# Seconds after which what is waited for is held to come no more.
_PATIENCE = 240.0


def epochs_are_there(folder: Path, number: int, files: str = "metrics.csv") -> Callable[[], bool]:
    """A condition: some training has written the lines of so many epochs.

    Args:
        folder: A run folder, or one above several of them.
        number: How many epochs.
        files: Pattern of the files of measures below the folder, with a line of names and one of each epoch.
    """
    return lambda: any(len(path.read_text("utf-8").splitlines()) > number for path in folder.glob(files))


def kill_when(condition: Callable[[], bool], *arguments: str, cwd: Path | None = None) -> None:
    """Runs a command line and kills it as soon as a condition holds; it must not have ended before.

    Args:
        condition: Asked again and again.
        arguments: Of the command line, without the name of the program.
        cwd: The folder in which it runs; this process's unless given.
    """
    process, end = _begun(arguments, cwd), time.monotonic() + _PATIENCE
    while not condition():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"


def kill_at_random(condition: Callable[[], bool], *arguments: str, kills: int, seed: int) -> None:
    """Runs a command line again and again, killed up to a second after a condition holds; one kill at least must meet.

    Args:
        condition: Asked again and again.
        arguments: Of the command line, without the name of the program.
        kills: How many times.
        seed: Of the moments.
    """
    chance, met = random.Random(seed), 0
    for _ in range(kills):
        process, end = _begun(arguments, ROOT), time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < end and not condition():
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1))
        process.send_signal(signal.SIGKILL)
        met += process.wait() == -signal.SIGKILL
    assert met


def _begun(arguments: tuple[str, ...], cwd: Path | None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dlspec", *arguments]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
