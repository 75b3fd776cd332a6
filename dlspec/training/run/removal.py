"""Deleting folders of runs, searches and studies: only what dlspec made, whole, and never what is in use."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
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
_STEMS = OURS | {Path(name).stem for name in OURS}
_NAME = re.compile(r"([a-z]+-)?\d{8}T\d{6}Z-[0-9a-f]{4}\Z")
# What a process that was killed may have left of them: a name of ours and eight digits, hidden.
_TEMPORARY = re.compile(
    rf"\.lock\Z|\.({'|'.join(re.escape(each) for each in sorted(_STEMS))})\.[0-9a-f]{{8}}(\.\w+)?\Z"
)


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


def works(folder: Path) -> bool:
    """Whether a process works in a folder at this moment."""
    try:
        Lock(folder).release()
    except Problem:
        return True
    except OSError:
        return False  # it cannot be opened, which :func:`obstacle` says
    return False


def remove(folders: Sequence[Path]) -> None:
    """Deletes folders, all or none: they leave their places first, so that no half of one is ever taken for a run.

    Raises:
        Problem: E513, a process works in one of them; E574, one is none that is deleted, or the disk refuses.
    """
    for folder, away in _away(folders):
        try:
            shutil.rmtree(away)
        except OSError as error:
            raise _refused(folder, error) from error
        with suppress(OSError):
            folder.parent.rmdir()  # where nothing else is in it


def _away(folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Gives folders hidden names, and all their own again where one of them may not go."""
    moved = []
    with ExitStack() as back:
        for folder in folders:
            if reason := obstacle(folder):
                raise Problem("E574", f"`{folder}` {reason}")
            away = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.deleted")
            lock = Lock(folder)
            try:
                folder.rename(away)
            except OSError as error:
                raise _refused(folder, error) from error
            finally:
                lock.release()
            back.callback(away.rename, folder)
            moved.append((folder, away))
        back.pop_all()
    return moved


def _refused(folder: Path, error: OSError) -> Problem:
    return Problem("E574", f"`{folder}` cannot be deleted: {error.strerror or error}")
