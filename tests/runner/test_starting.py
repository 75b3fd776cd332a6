"""Keras starts without the packages that it does not need, and without searches for garbage."""

from __future__ import annotations

import subprocess
import sys

STARTED = """
import gc, sys, threading
from dlspec.backends.keras.starting import start

def other():
    import matplotlib.colors  # as a source does that reads while Keras is imported
    imported.append(matplotlib.colors.to_hex("red"))

imported = []
thread = threading.Thread(target=other)
if "beside" in sys.argv:
    thread.start()
start()
print("sklearn" in sys.modules, gc.isenabled(), gc.get_freeze_count() > 100_000)
if "beside" in sys.argv:
    thread.join()
else:
    print("matplotlib" in sys.modules)
    other()
from sklearn.metrics import accuracy_score
import keras
print(imported, accuracy_score([1, 0], [1, 1]), keras.layers.Dense(2)(keras.ops.ones((1, 3))).shape)
"""


def _printed(*arguments: str) -> list[str]:
    command = [sys.executable, "-c", STARTED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_keras_starts_without_what_it_does_not_need() -> None:
    assert _printed() == ["False True True", "False", "['#ff0000'] 0.5 (1, 2)"]


def test_other_threads_import_meanwhile_whatever_they_need() -> None:
    assert _printed("beside") == ["False True True", "['#ff0000'] 0.5 (1, 2)"]
