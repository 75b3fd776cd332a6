"""NumPy archives; only the headers are read for static facts, and pickled objects are refused."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Source, Table, locate
from dlspec.ir import DTYPES, Tensor
from dlspec.registry import example, text

if TYPE_CHECKING:
    import numpy as np


class Npz(Source):
    """A file made by ``numpy.savez``: each array is a column, its first axis counts the examples."""

    shorthand = "path"
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
                members = [name for name in archive.namelist() if name.endswith(".npy")]
                columns = {name[:-4]: self._column(archive, name) for name in members}
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

        arrays: Arrays = {}
        try:
            with np.load(self._path, allow_pickle=False) as archive:
                for name in names:
                    values = archive[name]
                    arrays[name] = values.astype(object) if self.columns[name].text else values
        except (OSError, ValueError, EOFError, RuntimeError, MemoryError, zlib.error, zipfile.BadZipFile) as error:
            raise self._problem("E608", f"an array of `{self._shown}` is damaged: {error}") from error
        return arrays

    def where(self, index: int) -> str:
        """File and row."""
        return f"{self._shown}, row {index}"

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Each array on its own, in file order."""
        return [(name,) for name in self.columns if name not in taken]

    def _column(self, archive: zipfile.ZipFile, member: str) -> Column:
        shape, kind = self._header(archive, member)
        name = member[:-4]
        if not shape:
            raise self._problem(
                "E608", f"array `{name}` of `{self._shown}` is a single value, expected one per example"
            )
        if shape[0] == 0:
            raise self._problem("E608", f"array `{name}` of `{self._shown}` is empty")
        dtype = TEXT if kind.kind == "U" else kind.name
        if kind.hasobject or dtype not in DTYPES:
            what = "Python objects" if kind.hasobject else f"values of type {kind.name}"
            raise self._problem("E608", f"array `{name}` of `{self._shown}` holds {what}", "save numbers or text")
        return Column(Tensor(tuple(shape[1:]), dtype), shape[0])

    def _header(self, archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        from numpy.lib import format as npy

        with archive.open(member) as stream:
            try:
                version = npy.read_magic(stream)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, kind = read(stream)
            except ValueError as error:
                message = f"array `{member[:-4]}` of `{self._shown}` is damaged: {error}"
                raise self._problem("E608", message) from error
        return shape, kind

    def _problem(self, code: str, message: str, help: str = "") -> DataProblem:
        return DataProblem(code, message, help, "path", self._shown)
