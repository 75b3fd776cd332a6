"""NumPy archives; only the headers are read for static facts, and pickled objects are refused."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from dlspec.components.registry import example, text
from dlspec.data.sources.base import Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.limits import check_memory, check_unfolded
from dlspec.data.sources.npy import plain, read_header
from dlspec.data.sources.paths import locate


class Npz(Source):
    """A file made by ``numpy.savez``: each array is a column, its first axis counts the examples."""

    shorthand = "path"
    suffixes = (".npz",)
    path = text(doc="The file, from the spec's folder.")
    examples = (example("digits.npz"),)

    def open(self, folder: Path, *, allow_outside: bool = False) -> NpzTable:
        """Finds the file."""
        return NpzTable(locate(self.path, folder, allow_outside=allow_outside), self.path)


class NpzTable(Table):
    """The arrays of one archive."""

    def __init__(self, path: Path, shown: str) -> None:
        self._path = path
        self._shown = shown

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """One column per array, from the arrays' headers alone."""
        try:
            with zipfile.ZipFile(self._path) as archive:
                members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
                columns = {member.filename[:-4]: self._column(archive, member) for member in members}
        except OSError as error:
            raise self._problem("E601", f"cannot read `{self._shown}`: {error.strerror or error}") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            message = f"`{self._shown}` is not an npz file"
            raise self._problem("E608", message, "write it with `numpy.savez`") from error
        if not columns:
            raise self._problem("E608", f"`{self._shown}` holds no arrays", "write it with `numpy.savez`")
        return columns

    def read(self, names: Iterable[str]) -> Arrays:
        """Arrays as they were saved; text as objects."""
        import numpy as np

        names = list(names)
        arrays: Arrays = {}
        try:
            self._check_memory(names)
            with np.load(self._path, allow_pickle=False) as archive:
                for name in names:
                    arrays[name] = plain(archive[name], self.columns[name])
        except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zlib.error, zipfile.BadZipFile) as error:
            raise self._problem("E608", f"an array of `{self._shown}` is damaged: {error}") from error
        return arrays

    def _check_memory(self, names: Sequence[str]) -> None:
        """Compressed zeros take next to nothing on the disk."""
        with zipfile.ZipFile(self._path) as archive:
            for name in names:
                size = archive.getinfo(f"{name}.npy").file_size
                check_memory(size, f"array `{name}` of `{self._shown}`", self._shown)

    def where(self, index: int) -> str:
        """File and row of an example."""
        return f"{self._shown}, row {index}"

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Each array on its own, in file order."""
        return [(name,) for name in self.columns if name not in taken]

    def _column(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Column:
        what = f"array `{member.filename[:-4]}` of `{self._shown}`"
        check_unfolded(member.file_size, member.compress_size, what, self._shown)
        with archive.open(member) as stream:
            try:
                header = read_header(stream)
            except ValueError as error:
                raise self._problem("E608", f"{what} is damaged: {error}") from error
            return header.column(what, self._shown, member.file_size - stream.tell())

    def _problem(self, code: str, message: str, help: str = "") -> DataProblem:
        return DataProblem(code, message, help, "path", self._shown)
