"""A disk that fails: the n-th operation of a save ends with an error, for all n; and files that rot."""

from __future__ import annotations

import errno
import io
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.core.errors import Problem
from dlspec.training.run.checkpoint import Checkpoint, Checkpoints, Damaged, read

ERRORS = (errno.ENOSPC, errno.EIO)
_OPERATIONS = ("mkdir", "open", "fsync", "replace", "unlink")


class Disk:
    """Counts the operations that change the disk, and fails in one of them.

    Args:
        at: The operation that fails, from 1; 0 for none.
        number: The error's number.
    """

    def __init__(self, at: int, number: int) -> None:
        self.at, self.number, self.count = at, number, 0

    def operation(self) -> None:
        """One more."""
        self.count += 1
        if self.count == self.at:
            raise OSError(self.number, os.strerror(self.number))

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The system's functions pass by here meanwhile."""
        real = {name: getattr(os, name) for name in _OPERATIONS}
        real_open = io.open
        try:
            for name in _OPERATIONS:
                setattr(os, name, self._counted(real[name]))
            io.open = self._opening(real_open)  # type: ignore[assignment]
            yield
        finally:
            io.open = real_open
            for name in _OPERATIONS:
                setattr(os, name, real[name])

    def _counted(self, function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.operation()
            return function(*arguments, **options)

        return call

    def _opening(self, real: Any) -> Any:
        def call(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if mode == "rb":
                return real(file, mode, *arguments, **options)
            self.operation()
            return _Stream(real(file, mode, *arguments, **options), self)

        return call


class _Stream:
    """A file whose writes count; what is buffered is written when it is closed."""

    def __init__(self, stream: Any, disk: Disk) -> None:
        self._stream, self._disk = stream, disk

    def write(self, data: Any) -> Any:
        self._disk.operation()
        return self._stream.write(data)

    def fileno(self) -> int:
        number: int = self._stream.fileno()
        return number

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._disk.operation()


def example(number: int) -> Checkpoint:
    """A small checkpoint like a real one."""
    random_numbers = np.random.default_rng(number)
    arrays = {f"model/{i}": random_numbers.normal(size=(i + 1, 7)).astype(np.float32) for i in range(4)}
    return Checkpoint(arrays, {"course": {"epoch": number}, "callbacks": []})


def fail_every_operation(folder: Path, number: int) -> int:
    """Fails in each operation of a save, one after another; how many there are."""
    at = 0
    while True:
        at += 1
        run = folder / f"{number}-{at}"
        run.mkdir()
        checkpoints = Checkpoints(run)
        for earlier in (1, 2):
            checkpoints.save(example(earlier))
        disk = Disk(at, number)
        try:
            with disk.installed():
                checkpoints.save(example(3))
            failed = False
        except Problem as problem:
            failed = True
            assert problem.code == "E511" and os.strerror(number) in problem.message, problem.message
        found, damages = Checkpoints(run).load()
        assert found is not None and not damages, f"operation {at}: {damages}"
        assert found.facts["course"]["epoch"] in ((2, 3) if failed else (3,))
        Checkpoints(run).save(example(4))  # and the run goes on
        assert len(list((run / "checkpoints").iterdir())) == 2, "nothing half written is left"
        if disk.count < at:
            return at - 1


def rot(folder: Path, count: int, seed: int) -> int:
    """Flips a bit of, or cuts off, `count` copies of a checkpoint; how many of them were loaded (none should)."""
    checkpoints = Checkpoints(folder)
    whole = checkpoints.save(example(1)).read_bytes()
    chance, loaded = random.Random(seed), 0
    path = folder / "rotten"
    for _ in range(count):
        data = bytearray(whole)
        if chance.random() < 0.5:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        else:
            del data[chance.randrange(len(data)) :]
        path.write_bytes(data)
        try:
            read(path)
            loaded += 1
        except Damaged:
            continue
    return loaded
