"""Workers that run trials: in this process one after another, or in several processes at a time.

Those on other machines are in :mod:`dlspec.tuning.workers.cluster`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import forkserver
from typing import Any, Generic, Protocol

from dlspec.tuning.workers import worker
from dlspec.tuning.workers.worker import DEATHS, R, R_co, Work


class Workers(Protocol[R_co]):
    """Runs trainings: trials of a search, members of a study."""

    @property
    def count(self) -> int:
        """Number of them at a time."""

    def submit(self, task: Any) -> Callable[[], R_co]:
        """Begins one, a :class:`Work`; the function that is returned waits for its result."""

    def close(self) -> None:
        """Ends the processes; what runs goes on from its checkpoints another time."""


class Inline(Generic[R]):
    """This process, which has TensorFlow loaded once."""

    count = 1

    def submit(self, task: Work[R]) -> Callable[[], R]:
        """It runs when its result is asked for."""
        return task.run

    def close(self) -> None:
        """Does nothing."""


class Processes(Generic[R]):
    """Processes of their own, each with a share of the cores.

    On Linux they are forked from one that imports TensorFlow once for all, while this process goes on; elsewhere, where
    that is not safe, each imports it by itself.

    A process that dies takes nothing with it but the pool: the trials that ran in it are begun again, from their
    checkpoints.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._running: list[_Running[R]] = []
        self._settings = worker.environment(max(1, (os.cpu_count() or 1) // count))
        self._context: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        if sys.platform == "linux":
            self._context.set_forkserver_preload(["dlspec.tuning.workers.preloaded"])
            with _environment(self._settings):
                forkserver.ensure_running()
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.count, mp_context=self._context, initializer=worker.begin)

    def submit(self, task: Work[R]) -> Callable[[], R]:
        """Starts it at once; the returned function waits for its result."""
        running: _Running[R] = _Running(task, self._submitted(task))
        self._running.append(running)
        return lambda: self._result(running)

    def _submitted(self, task: Work[R]) -> Future[R]:
        with _environment(self._settings):  # a process may start now
            return self._pool.submit(worker.work, task)

    def _result(self, running: _Running[R]) -> R:
        while True:
            try:
                result = running.future.result()
            except BrokenProcessPool:
                self._again(running)
                if running.deaths >= DEATHS:
                    self._running.remove(running)
                    return running.task.died()
            else:
                self._running.remove(running)
                return result

    def _again(self, waited: _Running[R]) -> None:
        """Begins what the broken pool left unfinished in a new one."""
        waited.deaths += 1
        # Its other processes stop, and hold the locks of their trials' folders until then.
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._new_pool()
        for running in self._running:
            unfinished = not running.future.done() or running.future.exception() is not None
            if unfinished and not (running is waited and running.deaths >= DEATHS):
                running.future = self._submitted(running.task)

    def close(self) -> None:
        """Ends the processes; a training in them stops with a checkpoint."""
        if self._running:
            for process in multiprocessing.active_children():
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Running(Generic[R]):
    def __init__(self, task: Work[R], future: Future[R]) -> None:
        self.task, self.future, self.deaths = task, future, 0


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Processes that start meanwhile have these variables."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
