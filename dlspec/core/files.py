"""Writing files so that a crash leaves the old one or the new one, never half; reading JSON; where copies are kept."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have (too long, or with a zero byte) is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def cache_folder() -> Path:
    """``$DLSPEC_CACHE``, or ``dlspec`` in the user's folder of caches. It may be deleted at any time."""
    chosen = os.environ.get("DLSPEC_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dlspec"


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: It is no JSON in UTF-8, or nested too deeply.
        OSError: It cannot be read.
    """
    return parse_json(path.read_text(encoding="utf-8"))


def parse_json(text: str) -> Any:
    """The value of JSON text.

    Raises:
        ValueError: It is no JSON, nested too deeply, or holds half of a character.
    """
    try:
        value = json.loads(text)
        if "\\u" in text:  # such an escape may stand for half of a character, which no file and no tensor holds
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a file under a temporary name, then puts it in place of `path`.

    The file and its folder are synchronised to disk before and after the exchange, so that also a power cut leaves one
    whole file.

    Args:
        path: The file to write; its folder exists.
        write: Writes to the path it is given, which has the suffix of `path`.

    Raises:
        OSError: Nothing could be written; `path` is as it was.
    """
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        write(temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_folder_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` make a folder under a temporary name, then puts it in place of `path`.

    Where `path` is there already, it is moved aside first and removed last: a crash in between leaves both, under
    hidden names.

    Args:
        path: The folder to write; its parent exists.
        write: Makes the folder that it is given.

    Raises:
        OSError: Nothing could be written; `path` is as it was.
    """
    mark = secrets.token_hex(4)
    temporary, aside = path.with_name(f".{path.name}.{mark}"), path.with_name(f".{path.name}.{mark}.old")
    try:
        write(temporary)
        for file in sorted(temporary.rglob("*")):
            _sync(file)
        _sync(temporary)
        _exchange(temporary, path, aside)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(temporary: Path, path: Path, aside: Path) -> None:
    replaced = path.exists()
    if replaced:
        path.rename(aside)
    try:
        temporary.rename(path)
    except OSError:
        if replaced:
            aside.rename(path)
        raise


def _sync(path: Path) -> None:
    if path.is_dir():
        sync_folder(path)
        return
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def sync_folder(path: Path) -> None:
    """Makes a rename inside `path` survive a power failure, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
