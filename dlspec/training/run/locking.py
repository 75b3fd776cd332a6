"""One process per run folder, by a lock that the system takes away when the process dies, however it dies."""

from __future__ import annotations

import os
from pathlib import Path

from dlspec.core.errors import Problem


class Lock:
    """The lock of one run folder, held from its making until :meth:`release`; it stays when the folder is renamed.

    Args:
        folder: The run folder.

    Raises:
        Problem: E513, another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._handle: int | None = _opened(folder)
        if not _locked(self._handle):
            self.release()
            raise in_use(folder)

    def release(self) -> None:
        """Releases the lock of the folder."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def in_use(folder: Path) -> Problem:
    """E513: another process trains in a folder."""
    return Problem("E513", f"another process trains in `{folder}`", "wait for it or stop it, or choose another folder")


def lock_file(path: Path) -> int | None:
    """Locks a file, made where it is not there; None where another process holds it, also one of another machine.

    A shared folder (NFS) says nothing to other machines about the lock of a folder, but all about that of a file.

    Returns:
        What to close to give it free.

    Raises:
        OSError: It cannot be opened for writing.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    if _locked(handle):
        return handle
    os.close(handle)
    return None


def _opened(folder: Path) -> int:
    # The folder itself is locked, where the system can: no file is left behind, and none need be written.
    if os.name == "nt":
        return os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    return os.open(folder, os.O_RDONLY)


def _locked(handle: int) -> bool:
    """Whether the lock was free; it is ours then."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
