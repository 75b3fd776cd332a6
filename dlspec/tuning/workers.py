"""Where trials run: in this process one after another, or in several processes at a time."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol

from dlspec.tuning.trial import FAILED, Result, Task, run

# A trial whose process dies so often has failed: most likely it wants more memory than there is.
_DEATHS = 2


class Workers(Protocol):
    """Runs trials."""

    count: int

    def submit(self, task: Task) -> Callable[[], Result]:
        """Begins a trial; the function that is returned waits for its result."""

    def close(self) -> None:
        """Ends the processes; trials that run go on from their checkpoints another time."""


class Inline:
    """This process, which has TensorFlow loaded once."""

    count = 1

    def submit(self, task: Task) -> Callable[[], Result]:
        """The trial runs when its result is asked for."""
        return lambda: run(task)

    def close(self) -> None:
        """Nothing to end."""


class Processes:
    """Processes of their own, each with a share of the cores.

    A process that dies takes nothing with it but the pool: the trials that ran in it are begun again, from their
    checkpoints.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._running: list[_Running] = []
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        threads = max(1, (os.cpu_count() or 1) // self.count)
        # A forked TensorFlow hangs.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.count, mp_context=context, initializer=_start, initargs=(threads,))

    def submit(self, task: Task) -> Callable[[], Result]:
        """Begins the trial at once."""
        running = _Running(task, self._pool.submit(_work, task))
        self._running.append(running)
        return lambda: self._result(running)

    def _result(self, running: _Running) -> Result:
        while True:
            try:
                result = running.future.result()
            except BrokenProcessPool:
                self._again(running)
                if running.deaths >= _DEATHS:
                    self._running.remove(running)
                    return Result(FAILED, reason="its process died: it may want more memory than there is")
            else:
                self._running.remove(running)
                return result

    def _again(self, waited: _Running) -> None:
        """Begins what the broken pool left unfinished in a new one."""
        waited.deaths += 1
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()
        for running in self._running:
            unfinished = not running.future.done() or running.future.exception() is not None
            if unfinished and not (running is waited and running.deaths >= _DEATHS):
                running.future = self._pool.submit(_work, running.task)

    def close(self) -> None:
        """Ends the processes; a training in them stops with a checkpoint."""
        if self._running:
            for process in multiprocessing.active_children():
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Running:
    def __init__(self, task: Task, future: Future[Result]) -> None:
        self.task, self.future, self.deaths = task, future, 0


def _work(task: Task) -> Result:
    """A trial; where a signal stopped it, this process ends, and the trial waits for another one."""
    try:
        return run(task)
    except KeyboardInterrupt:
        os._exit(143)


def _end_with_parent() -> None:
    """A search that was killed leaves no training behind, which would hold the lock of the trial's folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start(threads: int) -> None:
    """What a process does first."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C in a terminal reaches all processes; the search's own decides what follows from it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ[name] = str(threads)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    quiet_retracing()
    # What the backend writes while it loads would come once from each process.
    saved = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow as tf

            tf.config.list_physical_devices()  # computes nothing: a trial may divide the CPU before
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def quiet_retracing() -> None:
    """TensorFlow warns of many compiled functions; a search makes some for each model, and means to."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
