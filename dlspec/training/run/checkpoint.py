"""Checkpoints: all that a training needs to go on, one file each, whole or refused.

A file holds the bytes of all arrays one after another, then a manifest (JSON: names, dtypes and shapes in that order,
and the facts that are no arrays), then the manifest's length and the SHA-256 of everything before it. Whatever is cut
off or flipped changes the hash, so nothing damaged is ever loaded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FOLDER = "checkpoints"
KEPT = 2
_MAGIC = b"dlspec checkpoint 1\n"
_LENGTH, _HASH = 8, 32
_BEGINNING = "epoch.checkpoint"
_FILE = re.compile(r"(\d{8})\.checkpoint\Z")
_CHUNK = 1 << 22


class Damaged(Exception):
    """A checkpoint file that is not what was written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a checkpoint file.

    Attributes:
        arrays: By name.
        facts: What is no array: position, history, state of callbacks.
    """

    arrays: Mapping[str, Array]
    facts: Mapping[str, Any]

    @property
    def sound(self) -> bool:
        """Whether all weights are finite: one cannot go on from others."""
        import numpy as np

        weights = (array for name, array in self.arrays.items() if name.startswith("model/"))
        return all(bool(np.isfinite(array).all()) for array in weights if array.dtype.kind == "f")


class Checkpoints:
    """The checkpoints of one run: numbered files of which the last two are kept.

    Args:
        run: The run folder.
    """

    def __init__(self, run: Path) -> None:
        self.path = run / FOLDER
        self._last = max(self._numbers(), default=0)

    def save(self, checkpoint: Checkpoint) -> Path:
        """Writes the next one, and removes those that are too old once it is safe.

        Raises:
            Problem: E511, it cannot be written; the earlier ones are as they were.
        """
        target = self._file(self._last + 1)
        try:
            self.path.mkdir(exist_ok=True)
            write_atomically(target, lambda path: write(path, checkpoint))
            self._last += 1
            self.keep(KEPT)
        except OSError as error:
            raise unwritable(target, error) from error
        return target

    def save_beginning(self, checkpoint: Checkpoint) -> None:
        """Writes that of the beginning of an epoch, of which there is one.

        Raises:
            Problem: E511, it cannot be written.
        """
        target = self.path / _BEGINNING
        try:
            self.path.mkdir(exist_ok=True)
            write_atomically(target, lambda path: write(path, checkpoint))
        except OSError as error:
            raise unwritable(target, error) from error

    def beginning(self) -> Checkpoint | None:
        """The checkpoint that :meth:`save_beginning` wrote last; None where it is missing or damaged."""
        try:
            return read(self.path / _BEGINNING)
        except Damaged:
            return None

    def load(self) -> tuple[Checkpoint | None, list[str]]:
        """The newest sound one, or None where there is none, and a sentence for each damaged one that is newer."""
        damages: list[str] = []
        for number in sorted(self._numbers(), reverse=True):
            try:
                return read(self._file(number)), damages
            except Damaged as damage:
                damages.append(f"`{FOLDER}/{self._file(number).name}` {damage}")
        return None, damages

    def keep(self, count: int) -> None:
        """Removes all but the newest `count`, and what killed processes left half written."""
        for number in sorted(self._numbers())[: -count or None]:
            self._file(number).unlink(missing_ok=True)
        for path in self.path.glob(".*.checkpoint"):
            path.unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        names = [path.name for path in self.path.iterdir()] if self.path.is_dir() else []
        return [int(match.group(1)) for match in map(_FILE.match, names) if match]

    def _file(self, number: int) -> Path:
        return self.path / f"{number:08}.checkpoint"


def unwritable(path: Path, error: OSError) -> Problem:
    """The problem that the run folder cannot be written."""
    help = "the run goes on from its last checkpoint when the same command is given again"
    return Problem("E511", f"cannot write `{path}`: {error.strerror or error}", help)


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a file, the hash last."""
    import numpy as np

    digest = hashlib.sha256()
    with path.open("wb") as stream:

        def add(data: Any) -> None:
            stream.write(data)
            digest.update(data)

        add(_MAGIC)
        listed = []
        for name, array in checkpoint.arrays.items():
            listed.append({"name": name, "dtype": array.dtype.name, "shape": array.shape})
            add(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        manifest = json.dumps({"arrays": listed, "facts": checkpoint.facts}).encode()
        add(manifest)
        add(len(manifest).to_bytes(_LENGTH, "little"))
        stream.write(digest.digest())


def read(path: Path) -> Checkpoint:
    """Reads a file.

    Raises:
        Damaged: Anything in it is not as it was written; says what.
    """
    import numpy as np

    try:
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror or error}") from error
    body, end = memoryview(data)[:-_HASH], len(data) - _HASH - _LENGTH
    if end < len(_MAGIC) or not data.startswith(_MAGIC):
        raise Damaged("is no checkpoint, or was cut off")
    if _digest(body) != data[-_HASH:]:
        raise Damaged("is damaged: its contents do not have the hash that was written with them")
    length = int.from_bytes(data[end : end + _LENGTH], "little")
    manifest = json.loads(data[end - length : end])
    arrays, offset = {}, len(_MAGIC)
    for item in manifest["arrays"]:
        dtype = _dtype(item["dtype"])
        count = int(np.prod(item["shape"], dtype=np.int64))
        arrays[item["name"]] = np.frombuffer(body, dtype, count, offset).reshape(item["shape"])
        offset += count * dtype.itemsize
    return Checkpoint(arrays, manifest["facts"])


def _digest(body: memoryview) -> bytes:
    digest = hashlib.sha256()
    for start in range(0, len(body), _CHUNK):
        digest.update(body[start : start + _CHUNK])
    return digest.digest()


def _dtype(name: str) -> np.dtype[Any]:
    import numpy as np

    if name == "bfloat16":
        import ml_dtypes

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    return np.dtype(name)
