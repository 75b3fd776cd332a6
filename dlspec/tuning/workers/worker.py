"""A process that trains for a search or a study."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from dlspec.backends.keras.starting import import_keras

# A training whose process dies so often has failed: most likely it wants more memory than there is.
DEATHS = 2
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Work(Protocol[R_co]):
    """One training, as another process can run it: it can be pickled."""

    def run(self) -> R_co:
        """Trains, and says what came of it."""

    def died(self) -> R_co:
        """The result where the process died again and again."""


def load() -> None:
    """Imports what training needs, and says nothing: what the backend writes would come once from each process."""
    with _silence():
        import_keras()
        import dlspec.backends.keras.build
        import dlspec.training.train  # noqa: F401


def begin() -> None:
    """Prepares a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # see `preloaded`
    ready()


def ready() -> None:
    """Imports what trials need, and looks for devices."""
    quiet_retracing()
    load()
    with _silence():
        import tensorflow as tf

        tf.config.list_physical_devices()  # computes nothing: a trial may divide the CPU before


def work(task: Work[R]) -> R:
    """A training; where a signal stopped it, this process ends, and it waits for another one."""
    try:
        return task.run()
    except KeyboardInterrupt:
        os._exit(143)


def environment(threads: int) -> dict[str, str]:
    """Settings of a process that may use so many threads."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        # NumPy's linear algebra starts its threads when it is imported, and training does not use it.
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }


def quiet_retracing() -> None:
    """TensorFlow warns of many compiled functions; a search makes some for each model, and means to."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def _end_with_parent() -> None:
    """A search that was killed leaves no training behind, which would hold the lock of the trial's folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _silence() -> Iterator[None]:
    """Past `sys.stderr`, since messages come from C++."""
    saved = os.dup(2)
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
