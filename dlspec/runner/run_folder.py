"""The folder of one run: made in one step, every file in it whole or absent."""

from __future__ import annotations

import csv
import io
import os
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

from dlspec.errors import Problem
from dlspec.files import sync_folder, write_atomically

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\Z")


class RunFolder:
    """``runs/<name>/<id>/``; the id is the time of its making (UTC) and a random ending, so that ids sort by time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """The run's identifier."""
        return self.path.name

    @classmethod
    def create(cls, runs: Path, name: str, files: Mapping[str, str]) -> RunFolder:
        """Makes the folder of a new run with its first `files` inside; nobody ever sees it without them.

        Raises:
            Problem: E507, the folder cannot be made; E103, `name` is no name of a folder.
        """
        if not _NAME.match(name):
            raise Problem("E103", f"`{name}` cannot name a folder of runs", "use letters, digits, `_`, `-` and `.`")
        parent = runs / name
        try:
            parent.mkdir(parents=True, exist_ok=True)
            while True:
                identifier = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
                if not (parent / identifier).exists():
                    break
            draft = cls(parent / f".{identifier}.new")
            draft.path.mkdir()
            for file, text in files.items():
                draft.write(file, text)
            draft.path.rename(parent / identifier)
            sync_folder(parent)
        except OSError as error:
            raise Problem("E507", f"cannot make a folder in `{runs}`: {error.strerror or error}") from error
        return cls(parent / identifier)

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
        write_atomically(target, save)
        return target

    def append_row(self, name: str, row: Mapping[str, object]) -> None:
        """Adds a row to a CSV file and waits until the disk has it.

        The first row also writes the header, to which later ones keep: what it does not name is left out.
        """
        target = self.path / name
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        header = _header(target)
        if not header:
            header = list(row)
            writer.writerow(header)
        writer.writerow([row.get(column, "") for column in header])
        with target.open("a", encoding="utf-8", newline="") as stream:
            stream.write(text.getvalue())
            stream.flush()
            os.fsync(stream.fileno())


def _header(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream), [])
