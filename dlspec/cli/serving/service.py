"""Answers to rows of a request: the same that ``dlspec predict`` gives for a file with these rows."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dlspec.cli.serving.columns import columns_of
from dlspec.core.errors import Note, Problem, SpecError
from dlspec.data.sources.base import TEXT
from dlspec.training.predict import answering, predict
from dlspec.training.saved import SavedRun

# How sounds begin. All else gets the ending of a picture: Pillow tells their forms apart by what they hold.
_SOUND = re.compile(rb"RIFF.{4}WAVE", re.DOTALL)


class Service:
    """A model that answers rows, one request at a time.

    Attributes:
        columns: What a row holds.
    """

    def __init__(self, saved: SavedRun) -> None:
        self._saved = saved
        self._lock = threading.Lock()  # the model computes on all cores: two requests at once would only share them
        self.columns = columns_of(saved)
        self._answer = answering(saved, traced=True)

    @property
    def name(self) -> str:
        """The name of the spec."""
        return self._saved.run.name

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._saved.run.id

    @property
    def targets(self) -> list[str]:
        """What it answers: names of the targets, of outputs where they have none."""
        names = {output.name: output.target for output in self._saved.targets}
        return [names.get(name, name) for name in self._saved.outputs]

    def warm_up(self) -> None:
        """Has the model traced, so that the first request need not wait for it.

        What it answers to examples of zeros and empty texts is not looked at: some of them are no dates.
        """
        import numpy as np

        if self._saved.writer is not None:
            return
        for count in (1, 2):  # at the second size, TensorFlow learns that the number of examples differs
            shapes = {
                name: (count, *(size or 1 for size in tensor.shape)) for name, tensor in self._saved.takes.items()
            }
            with suppress(Problem):
                self._answer(
                    {
                        name: np.full(shapes[name], "", object)
                        if tensor.dtype == TEXT
                        else np.zeros(shapes[name], tensor.dtype)
                        for name, tensor in self._saved.takes.items()
                    }
                )

    def answers(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """An object with the answers for each row.

        Args:
            rows: Each with all columns that are not optional.

        Raises:
            SpecError: Values do not fit the model.
            Problem: A file is none that can be read.
        """
        with tempfile.TemporaryDirectory() as folder, _by_rows(Path(folder)), self._lock:
            path, places = self._written(rows, Path(folder))
            pieces = predict(self._saved, path, places, answer=self._answer)
            objects = [answer for piece in pieces for answer in piece.objects()]
        for answer in objects:
            del answer["example"]
        return objects

    def _written(self, rows: Sequence[Mapping[str, Any]], folder: Path) -> tuple[Path, list[str]]:
        """Rows as a file or folder, and where each of them stands."""
        files = [column for column in self.columns if column.kind == "file"]
        if files:
            for number, row in enumerate(rows):
                content = _decoded(row[files[0].name], number)
                ending = ".wav" if _SOUND.match(content) else ".png"
                (folder / f"row {number + 1:06}{ending}").write_bytes(content)
            return folder, [f"row {number + 1}" for number in range(len(rows))]
        path = folder / "rows.json"
        given = [{column.name: row.get(column.name) for column in self.columns} for row in rows]
        path.write_text(json.dumps(given), encoding="utf-8")
        return path, []


@contextmanager
def _by_rows(folder: Path) -> Iterator[None]:
    """Errors name rows of the request in place of files in a folder."""
    file = re.compile(
        rf"(?:{re.escape(str(folder.resolve()))}{re.escape(os.sep)})?(?:row 0*(\d+)\.\w+|rows\.json, object (\d+))"
    )

    def named(text: str) -> str:
        return file.sub(lambda match: f"row {match[1] or match[2]}", text)

    try:
        yield
    except SpecError as error:
        raise SpecError(
            [
                item._replace(
                    message=named(item.message), notes=tuple(Note(named(note.message)) for note in item.notes)
                )
                for item in error.diagnostics
            ]
        ) from error


def _decoded(text: str, number: int) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem("E523", f"row {number + 1} is not written in base 64", "encode the bytes of the file") from error
