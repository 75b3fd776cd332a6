"""Starts Keras and TensorFlow without the lines that they write to stderr while loading."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import TextIO

from dlspec.core.collecting import without_collecting
from dlspec.core.errors import SpecError


def start() -> None:
    """Imports Keras; what its backend logs meanwhile is shown only if the import fails.

    Set ``TF_CPP_MIN_LOG_LEVEL`` to see TensorFlow's own messages during a run.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with captured_stderr():
        import_keras()
        import tensorflow as tf

        # It logs about devices when it looks for them. Nothing is computed yet: what comes may divide the CPU before.
        tf.config.list_physical_devices()
    gc.freeze()  # modules stay until the end; looking through them takes 0.35 s for each collection


def import_keras() -> None:
    """Imports Keras and TensorFlow in half of the time that ``import keras`` takes.

    Measured, of 9.8 s of processor time: 2.1 s are searches for garbage, which find none, and 2.3 s are scikit-learn
    and matplotlib, which Keras imports where they are installed for two parts of it that dlspec does not use (wrappers
    of models for scikit-learn, galleries of pictures). Whatever needs the two packages can still import them.
    """
    with without_collecting(), _NotInstalled.for_this_thread():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


class _NotInstalled(MetaPathFinder):
    """Says of some packages that they are not installed, to one thread: another may read data with them meanwhile."""

    packages = frozenset({"matplotlib", "sklearn"})

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> None:
        """Raises for one of the packages, and leaves other names to the finders behind it.

        Raises:
            ModuleNotFoundError: As if the package were not there.
        """
        if fullname in self.packages and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)

    @classmethod
    @contextmanager
    def for_this_thread(cls) -> Iterator[None]:
        """Inside, the packages are not there unless they were imported before."""
        finder = cls(threading.get_ident())
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)


@contextmanager
def captured_stderr() -> Iterator[TextIO]:
    """Keeps back what anything writes to stderr; it is shown only if the body fails with more than a diagnostic.

    Yields:
        The stream that still leads to the terminal.
    """
    # The messages come from C++, past sys.stderr: only the file descriptor itself can be turned aside.
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log, os.fdopen(os.dup(saved), "w", encoding=_encoding()) as terminal:
        os.dup2(log.fileno(), 2)
        try:
            yield terminal
        except SpecError:
            raise
        except Exception:
            os.dup2(saved, 2)
            log.seek(0)
            sys.stderr.write(log.read().decode("utf-8", "replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _encoding() -> str:
    return getattr(sys.stderr, "encoding", None) or "utf-8"
