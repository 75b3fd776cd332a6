"""A daemon for the commands that tests start and that run to their end: most of their time was importing TensorFlow."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# Names the folder of the daemons of one run of the tests; without it each command starts by itself.
FOLDER = "DLSPEC_TESTS_DAEMONS"
_STARTED: set[tuple[tuple[str, str], ...]] = set()


def with_daemon(variables: Mapping[str, str], *arguments: str) -> dict[str, str]:
    """An environment in which a command is run by a daemon that has been started in the same one.

    Args:
        variables: The environment.
        arguments: Of the command line; without any, commands that start TensorFlow are among those of a document.
    """
    from dlspec.cli.daemon.surroundings import variables_that_count
    from dlspec.cli.main import STARTING_TENSORFLOW

    chosen = dict(variables)
    folder = os.environ.get(FOLDER)
    if not folder or sys.platform != "linux" or (arguments and arguments[0] not in STARTING_TENSORFLOW):
        return chosen
    if chosen.setdefault("DLSPEC_DAEMON", "0") != "0":
        return chosen  # a test of daemons
    chosen["DLSPEC_DAEMON"] = folder
    counted = tuple(sorted(variables_that_count(chosen).items()))
    if counted not in _STARTED:
        with Path(folder, "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the other worker of the tests may want the same
            command = [sys.executable, "-m", "dlspec", "daemon", "start", "--idle", "5"]
            subprocess.run(command, env=chosen, check=True, stdout=subprocess.DEVNULL)
        _STARTED.add(counted)
    return chosen


def stop_daemons() -> None:
    """Ends the daemons of this run of the tests."""
    folder = os.environ[FOLDER]
    command = [sys.executable, "-m", "dlspec", "daemon", "stop"]
    subprocess.run(command, env={**os.environ, "DLSPEC_DAEMON": folder}, check=True, stdout=subprocess.DEVNULL)
