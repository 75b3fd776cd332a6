"""Limits of a source: the machine's memory, and links that stay inside of the spec's folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from dlspec.core.errors import Problem
from dlspec.data.sources.base import DataProblem

# Examples that take more than this once decoded are read batch by batch. A fixed number: what a machine has free must
# not decide how a run goes.
STREAMED_FROM = 1 << 30
# Times as much as a file takes: data that are compressed so well hold nothing.
_UNFOLDED = 500
_CONTAINER = Path("/sys/fs/cgroup/memory.max")
# Device files of NVIDIA, of Windows' subsystem for Linux, and of AMD.
_PROCESSORS = ("nvidia[0-9]*", "dxg", "kfd")
_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


def check_memory(size: int, what: str, where: str, option: str = "path") -> None:
    """Refuses to read more at once than the machine can hold.

    Args:
        size: Bytes that reading will take, as a file's header claims.
        what: What is read, in words: ``array `x` of `a.npz```.
        where: The file.
        option: The option of the source that names it.

    Raises:
        DataProblem: E609, there is less memory.
    """
    memory = machine_memory()
    if size > memory:
        message = f"{what} takes {show_bytes(size)}, this machine has {show_bytes(memory)} of memory"
        raise DataProblem("E609", message, "use fewer or smaller examples", option, where)


def check_unfolded(size: int, packed: int, what: str, where: str, option: str = "path") -> None:
    """Refuses what a small file claims to unfold to: compressed zeros take next to nothing on the disk.

    Args:
        size: Bytes that it unfolds to, as it claims.
        packed: Bytes that it takes on the disk.
        what: As for :func:`check_memory`.
        where: Likewise.
        option: Likewise.

    Raises:
        DataProblem: E609.
    """
    if size > STREAMED_FROM and size > _UNFOLDED * packed:
        message = f"{what} unfolds from {show_bytes(packed)} to {show_bytes(size)}, which no data do"
        raise DataProblem("E609", message, "if it is meant, write the file without compression", option, where)


def machine_memory() -> int:
    """Bytes of memory that a process may have; where the system does not tell, as many as an address space has."""
    limits = [1 << 47]
    with suppress(AttributeError, OSError, ValueError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError):  # of a container; the file holds `max` where there is no limit
        limits.append(int(_CONTAINER.read_text()))
    with suppress(ImportError, OSError, ValueError):  # of `ulimit -v`; systems other than Unix have none
        import resource

        limits.append(max(0, resource.getrlimit(resource.RLIMIT_AS)[0]) or limits[0])
    return min(limits)


def graphics_processor() -> bool:
    """Whether TensorFlow may find one, whose memory nobody knows before it has started."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):
        return False
    return any(any(Path("/dev").glob(name)) for name in _PROCESSORS)


def show_bytes(size: int) -> str:
    """A size as people read it: ``1.5 GB``."""
    unit = 0
    amount: float = size
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.{1 if unit else 0}f} {_UNITS[unit]}"


def check_link(path: Path, inside: Path, shown: str, option: str = "path") -> None:
    """Refuses a link that leads out of the spec's folder.

    Args:
        path: The link.
        inside: Where it must lead.
        shown: What to call it in the message.
        option: The option of the source that names the files.

    Raises:
        Problem: E108.
    """
    if not path.resolve().is_relative_to(inside):
        message = f"`{shown}` is a link that leads out of the spec's folder"
        raise Problem("E108", message, "move the data beside the spec, or pass `--allow-outside`", option)
