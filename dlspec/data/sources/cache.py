"""Files made from the user's data, kept in a folder of our own, never beside the data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from dlspec.core.files import cache_folder, write_atomically
from dlspec.data.sources.base import DataProblem

# Bytes at both ends of a file that its fingerprint covers, with size and time of change.
_ENDS = 1 << 20


def converted(path: Path, options: str, suffix: str, write: Callable[[Path], object]) -> Path:
    """The file that `write` makes of the file `path`; made once, and anew when `path` changes.

    Args:
        options: Whatever else it depends on.
        write: Writes the file it is given.

    Raises:
        DataProblem: E601, there is no room for it.
    """
    folder = cache_folder() / "data"
    origin = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    target = folder / f"{origin}-{_fingerprint(path, options)}{suffix}"
    if target.exists():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(target, write)
        for stale in folder.glob(f"{origin}-*"):
            if stale != target:
                stale.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot keep a converted copy of `{path.name}` in `{folder}`: {error.strerror or error}"
        raise DataProblem("E601", message, "make room, or name another folder in `DLSPEC_CACHE`", "path") from error
    return target


def _fingerprint(path: Path, options: str) -> str:
    facts = path.stat()
    digest = hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns} {options}".encode())
    with path.open("rb") as stream:
        digest.update(stream.read(_ENDS))
        stream.seek(max(0, facts.st_size - _ENDS))
        digest.update(stream.read(_ENDS))
    return digest.hexdigest()[:24]
