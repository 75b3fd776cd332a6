"""NumPy arrays, a file each: facts from the headers, values from the disk when they are needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from dlspec.components.registry import example, texts
from dlspec.core.ir import DTYPES, Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.limits import check_memory
from dlspec.data.sources.paths import locate

if TYPE_CHECKING:
    import numpy as np


# Bytes; NumPy itself takes no longer one.
_LONGEST_HEADER = 10_000


class Npy(Source):
    """Files made by ``numpy.save``: each is a column, named like its file, and its first axis counts the examples."""

    shorthand = "path"
    suffixes = (".npy",)
    path = texts(doc="The file or files, from the spec's folder.")
    examples = (example("[signals.npy, kinds.npy]"),)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: the file of each column."""
        files = {Path(path).stem: path for path in self.path}
        return {"files": {name: files[name] for name in columns}}

    def open(self, folder: Path, *, allow_outside: bool = False) -> NpyTable:
        """Finds the files."""
        files: dict[str, tuple[Path, str]] = {}
        for shown in self.path:
            path = locate(shown, folder, allow_outside=allow_outside)
            if path.stem in files:
                message = f"`{files[path.stem][1]}` and `{shown}` would both be the column `{path.stem}`"
                raise DataProblem("E608", message, "rename one of them", "path", shown)
            files[Path(shown).stem] = path, shown
        return NpyTable(files)


class NpyTable(Table):
    """Arrays of several files, mapped into memory: only the examples in use are read."""

    def __init__(self, files: Mapping[str, tuple[Path, str]]) -> None:
        self._files = files

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """One column per file, from the files' headers alone."""
        return {name: self._column(*file) for name, file in self._files.items()}

    def read(self, names: Iterable[str]) -> Arrays:
        """Arrays as they were saved, text as objects; all values are read."""
        arrays = {}
        for name in names:
            path, shown = self._files[name]
            check_memory(path.stat().st_size, f"`{shown}`", shown)
            arrays[name] = plain(self._mapped(name)[:], self.columns[name])
        return arrays

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, in that order; no others are read."""
        return {name: plain(self._mapped(name)[indices], self.columns[name]) for name in names}

    def whole(self, name: str) -> np.ndarray[Any, Any]:
        """The column, which stays on the disk."""
        return plain(self._mapped(name)[:], self.columns[name])

    def where(self, index: int) -> str:
        """Files and row of an example."""
        names = " and ".join(shown for _, shown in self._files.values())
        return f"{names}, row {index}"

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Each array on its own, in written order."""
        return [(name,) for name in self.columns if name not in taken]

    def _mapped(self, name: str) -> np.ndarray[Any, Any]:
        import numpy as np

        path, shown = self._files[name]
        try:
            values: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DataProblem("E608", f"`{shown}` is damaged: {error}", "", "path", shown) from error
        return values

    def _column(self, path: Path, shown: str) -> Column:
        try:
            with path.open("rb") as stream:
                header = read_header(stream)
                remaining = path.stat().st_size - stream.tell()
        except OSError as error:
            message = f"cannot read `{shown}`: {error.strerror or error}"
            raise DataProblem("E601", message, "", "path", shown) from error
        except ValueError as error:
            message = f"`{shown}` is not an npy file: {error}"
            raise DataProblem("E608", message, "write it with `numpy.save`", "path", shown) from error
        return header.column(f"`{shown}`", shown, remaining)


class Header(NamedTuple):
    """Shape and dtype from the header of an array file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def column(self, what: str, where: str, remaining: int) -> Column:
        """The array as a column.

        Args:
            what: What to call the array in a message.
            where: Its file.
            remaining: Bytes that follow the header.

        Raises:
            DataProblem: E608, it is no column, or cut off.
        """

        def problem(message: str, help: str = "") -> DataProblem:
            return DataProblem("E608", f"{what} {message}", help, "path", where)

        name = TEXT if self.dtype.kind == "U" else self.dtype.name
        if self.dtype.hasobject or name not in DTYPES:
            held_objects = "Python objects" if self.dtype.hasobject else f"values of type {name}"
            raise problem(f"holds {held_objects}", "save numbers or text")
        if not self.shape:
            raise problem("is a single value, expected one per example")
        if 0 in self.shape:
            raise problem("is empty")
        size = math.prod(self.shape) * self.dtype.itemsize
        if size > remaining:
            raise problem(f"is cut off: it claims {size:,} bytes and has {remaining:,}", "save or copy it again")
        return Column(Tensor(tuple(self.shape[1:]), name), self.shape[0])


def read_header(stream: IO[bytes]) -> Header:
    """Reads the header at the start of an array; `stream` stands behind it afterwards.

    Raises:
        ValueError: There is none, or it makes no sense.
    """
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    _check_length(stream, 2 if version == (1, 0) else 4)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    if any(size < 0 for size in shape):
        raise ValueError(f"its header claims the shape {shape}")
    return Header(shape, dtype)


def _check_length(stream: IO[bytes], width: int) -> None:
    """The header that follows is as long as one may be; NumPy would read as much as it claims.

    Raises:
        ValueError: It is longer.
    """
    start = stream.tell()
    length = int.from_bytes(stream.read(width), "little")
    stream.seek(start)
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header claims {length:,} bytes")


def plain(values: np.ndarray[Any, Any], column: Column) -> np.ndarray[Any, Any]:
    """`values` in memory in the dtype that `column` promises, whatever the byte order of the file; text as objects."""
    import numpy as np

    return np.array(values, dtype=object if column.text else column.tensor.dtype)
