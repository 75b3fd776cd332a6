"""Training of trials on a machine of a cluster, for a search elsewhere."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dlspec.core.errors import Diagnostic, Problem
from dlspec.training.run.locking import lock_file
from dlspec.tuning.workers import machines, trial, worker

# A process that cannot be reached any more ends when Ray notices, after a minute; NFS keeps its locks for 90 s.
_SECONDS_OF_A_LOST_LOCK = 300.0


class Location(NamedTuple):
    """The machine and process of a worker, and its problem where it has one."""

    node: str
    host: str
    pid: int
    problem: Diagnostic | None = None


class Trainer:
    """A process that runs one trial after another; Ray calls the methods, in the main thread."""

    def begin(self, job: machines.Job, cores: int) -> Location:
        """Checks that this machine fits to the search, and imports what trials need."""
        from ray import get_runtime_context

        os.environ.update(worker.environment(cores))  # before TensorFlow reads them
        location = Location(get_runtime_context().get_node_id(), socket.gethostname(), os.getpid())
        try:
            machines.check(job, location.host)
        except Problem as problem:
            return location._replace(problem=_as_diagnostic(problem))
        worker.ready()
        return location

    def run(self, task: trial.Task) -> trial.Result | Diagnostic | None:
        """The result of a trial; what is wrong with this machine; or None where a signal stopped it."""
        try:
            with _alone(task.folder):
                return trial.run(task)
        except KeyboardInterrupt:
            return None
        except Problem as problem:
            return _as_diagnostic(problem)


def stop(pid: int) -> None:
    """Ends a training of this machine, with a checkpoint."""
    os.kill(pid, signal.SIGTERM)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other machine trains in `folder` meanwhile; waits for one that was lost to end."""
    path = folder.parent.parent / machines.FOLDER / f"{folder.name}.lock"
    until = time.monotonic() + _SECONDS_OF_A_LOST_LOCK
    while (handle := lock_file(path)) is None:
        if time.monotonic() > until:
            raise Problem("E513", f"another process trains in `{folder}`", "end it, and give the same command again")
        time.sleep(0.5)
    try:
        yield
    finally:
        os.close(handle)


def _as_diagnostic(problem: Problem) -> Diagnostic:
    return problem.at(None)
