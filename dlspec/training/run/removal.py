"""Deleting folders of runs, searches and studies: only what dlspec made, whole, and never what is in use."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from dlspec.core.errors import Problem
from dlspec.training.run.locking import Lock

# What dlspec itself writes at the top of a folder. Something else there is somebody's own.
_OF_RUNS = """
    spec.yaml report.json report.html metrics.csv gradients.csv model.keras training.weights.h5 identity.json
    checkpoints baseline.npz speed.json models code pictures notes.json saliency.json saliency.html importance.json
    importance.html tensorboard mlruns wandb
"""
_OF_SEARCHES = (
    "search.json search.sqlite search.sqlite-wal search.sqlite-shm search.sqlite-journal best.yaml trials cluster"
)
_OF_STUDIES = "study.json members variants model out_of_fold.csv out_of_fold.npz test_answers.csv answers.npz"
OURS = frozenset(f"{_OF_RUNS} {_OF_SEARCHES} {_OF_STUDIES}".split())
_NAME = re.compile(r"([a-z]+-)?\d{8}T\d{6}Z-[0-9a-f]{4}\Z")
_TEMPORARY = re.compile(r"\.lock\Z|\.\S*[0-9a-f]{8}(\.\w+)?\Z")


def obstacle(folder: Path) -> str:
    """Why a folder is not deleted, as a sentence; "" where it may be."""
    if folder.is_symlink():
        return "is a link to another place"
    if not _NAME.match(folder.name):
        return "has a name that dlspec gives to no folder"
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
        owner = folder.stat().st_uid
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if hasattr(os, "getuid") and owner != os.getuid():
        return "belongs to another user"
    foreign = [f"`{name}`" for name in names if name not in OURS and not _TEMPORARY.match(name)]
    if foreign:
        shown = ", ".join(foreign[:3]) + (", …" if len(foreign) > 3 else "")
        return f"holds {shown}, which dlspec did not write: move it away first"
    return ""


def size(folder: Path) -> int:
    """Bytes of all files in a folder; links are not followed."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(path, name).lstat().st_size
    return total


def remove(folder: Path) -> None:
    """Deletes a folder: it leaves its place in one step, so that no half of it is ever taken for a run.

    Raises:
        Problem: E513, a process works in it; E574, it is none that is deleted, or the disk refuses.
    """
    if reason := obstacle(folder):
        raise Problem("E574", f"`{folder}` {reason}")
    lock = Lock(folder)
    away = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.deleted")
    try:
        folder.rename(away)
        shutil.rmtree(away)
        with suppress(OSError):
            folder.parent.rmdir()  # where nothing else is in it
    except OSError as error:
        raise Problem("E574", f"`{folder}` cannot be deleted: {error.strerror or error}") from error
    finally:
        lock.release()
