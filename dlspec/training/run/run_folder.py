"""The folder of one run: made in one step, every file in it whole or absent."""

from __future__ import annotations

import csv
import errno
import io
import math
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from dlspec.core.errors import Problem
from dlspec.core.files import sync_folder, write_atomically
from dlspec.training.run.locking import Lock, in_use

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\Z")


def new_identifier() -> str:
    """The time (UTC) and a random ending, so that identifiers sort by time."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


class RunFolder:
    """``runs/<name>/<id>/``; the id is the time of its making (UTC) and a random ending, so that ids sort by time.

    Args:
        path: The folder.
        lock: The lock of the process that trains in it; None for one that only reads.
    """

    def __init__(self, path: Path, lock: Lock | None = None) -> None:
        self.path = path
        self._lock = lock

    def release(self) -> None:
        """Training in it is over."""
        if self._lock is not None:
            self._lock.release()

    @property
    def id(self) -> str:
        """The run's identifier."""
        return self.path.name

    @classmethod
    def create(cls, runs: Path, name: str, files: Mapping[str, str | Path]) -> RunFolder:
        """Makes the folder of a new run with its first `files` inside; nobody ever sees it without them.

        Args:
            runs: The folder of all runs.
            name: Of the spec.
            files: Texts, and files to copy, by name.

        Raises:
            Problem: E507, the folder cannot be made; E103, `name` is no name of a folder.
        """
        if not _NAME.match(name):
            raise Problem("E103", f"`{name}` cannot name a folder of runs", "use letters, digits, `_`, `-` and `.`")
        parent = runs / name
        while True:
            identifier = new_identifier()
            if not (parent / identifier).exists():
                break
        return cls.create_at(parent / identifier, files)

    @classmethod
    def create_at(cls, path: Path, files: Mapping[str, str | Path]) -> RunFolder:
        """Makes the folder `path`, which is not there or empty, and locks it.

        Raises:
            Problem: E507, it cannot be made; E513, another process made it at the same time.
        """
        draft = path.parent / f".{path.name}.{secrets.token_hex(4)}.new"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.mkdir()
            folder = cls(draft)
            for file, content in files.items():
                folder.put(file, content)
            lock = Lock(draft)  # before others see it, so that nobody else goes on in it
            draft.rename(path)
            sync_folder(path.parent)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # when this process looked, it was empty or not there
                raise in_use(path) from error
            raise Problem("E507", f"cannot make the run folder `{path}`: {error.strerror or error}") from error
        return cls(path, lock)

    def put(self, name: str, content: str | Path) -> Path:
        """Writes the file `name`, a text or a copy of another file, in one step."""
        if isinstance(content, str):
            return self.write(name, content)
        return self.save(name, lambda draft: shutil.copyfile(content, draft))

    def write(self, name: str, text: str) -> Path:
        """Writes the file `name` in one step."""

        def save(path: Path) -> None:
            path.write_text(text, encoding="utf-8")

        return self.save(name, save)

    def save(self, name: str, save: Callable[[Path], object]) -> Path:
        """Lets `save` write a file beside `name`, and puts it in its place when it is whole and on the disk.

        Args:
            name: The file in the end.
            save: Writes the file it is given.

        Returns:
            The path of the file.
        """
        target = self.path / name
        target.parent.mkdir(exist_ok=True)
        write_atomically(target, save)
        return target

    def write_rows(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Writes a CSV file anew, as :meth:`append_row` would have row by row; without rows there is none."""
        if not rows:
            (self.path / name).unlink(missing_ok=True)
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        header = list(dict.fromkeys(column for row in rows for column in row))
        writer.writerow(header)
        writer.writerows(_cells(row, header) for row in rows)
        self.write(name, text.getvalue())

    def append_row(self, name: str, row: Mapping[str, object]) -> None:
        """Adds a row to a CSV file.

        The first row also writes the header. A row with further columns, as a phase of training may have them, gives
        them to all: they are empty in earlier ones. The disk need not have it before training goes on: a resumed run
        writes the file anew.
        """
        target = self.path / name
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        header = _header(target)
        if header and not row.keys() <= set(header):
            self.write_rows(name, [*_rows(target), row])
            return
        if not header:
            header = list(row)
            writer.writerow(header)
        writer.writerow(_cells(row, header))
        with target.open("a", encoding="utf-8", newline="") as stream:
            stream.write(text.getvalue())


def _cells(row: Mapping[str, object], header: Sequence[str]) -> list[object]:
    """The values of a row; what is not known, and what is no number, is empty."""
    values = [row.get(column, "") for column in header]
    return ["" if isinstance(value, float) and math.isnan(value) else value for value in values]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _header(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream), [])
