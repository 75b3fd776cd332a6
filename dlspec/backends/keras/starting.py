"""Starts Keras and TensorFlow without the lines that they write to stderr while loading."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from dlspec.core.collecting import without_collecting
from dlspec.core.errors import SpecError


def start() -> None:
    """Imports Keras; what its backend logs meanwhile is shown only if the import fails.

    Searching for garbage meanwhile would take a fifth of the import's time, and finds none.

    Set ``TF_CPP_MIN_LOG_LEVEL`` to see TensorFlow's own messages during a run.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with captured_stderr(), without_collecting():
        import keras  # noqa: F401
        import tensorflow as tf

        # It logs about devices when it looks for them. Nothing is computed yet: what comes may divide the CPU before.
        tf.config.list_physical_devices()
        gc.freeze()  # modules stay until the end; looking through them takes 0.35 s for each collection


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
