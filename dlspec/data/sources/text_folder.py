"""Folders of text files, a file an example; what classes there are is known without reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import example, text
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Labels, Source, Table
from dlspec.data.sources.folders import ClassFolders, emitted
from dlspec.data.sources.limits import check_memory
from dlspec.data.sources.paths import locate
from dlspec.data.sources.remarks import LeftOut

if TYPE_CHECKING:
    import numpy as np


class TextFolder(Source):
    """A folder of text files in UTF-8 (``.txt``), in one subfolder per class, or flat.

    Columns: ``text``, and ``label`` (the name of the subfolder) where there are subfolders.
    """

    shorthand = "path"
    for_folders = "text_folder"
    path = text(doc="The folder, from the spec's folder.")
    examples = (example("reviews"),)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: the listing of the files, and expressions of their texts and classes."""
        texts = Piece("np.array([file.read_bytes().decode('utf-8-sig') for file in files], object)")
        return emitted(table, columns, (".txt",), text=texts)

    def open(self, folder: Path, *, allow_outside: bool = False) -> TextFolderTable:
        """Finds the folder."""
        path = locate(self.path, folder, allow_outside=allow_outside, want="folder")
        inside = None if allow_outside else folder.resolve()
        return TextFolderTable(ClassFolders(path, self.path, (".txt",), "texts", inside), self.path)


class TextFolderTable(Table):
    """The texts below one folder, in the order of class and file name."""

    def __init__(self, folders: ClassFolders, shown: str) -> None:
        self._folders = folders
        self._shown = shown

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """``text``, and ``label`` where there are class folders; no file is read."""
        count = len(self._folders.files)
        columns = {"text": Column(Tensor((), TEXT), count)}
        if self._folders.classes:
            columns["label"] = Column(Tensor((), TEXT), count, label=True)
        return columns

    def read(self, names: Iterable[str]) -> Arrays:
        """Whole files as text, and the class folders' names."""
        import numpy as np

        size = sum(file.stat().st_size for file in self._folders.files)
        check_memory(size, f"the text of `{self._shown}`", self._shown)
        return self.take(names, np.arange(len(self._folders.files)))

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, in that order; no other files are read."""
        import numpy as np

        files = [self._folders.files[index] for index in indices]
        arrays: Arrays = {}
        for name in names:
            values = [self._read(file) if name == "text" else self._folders.label(file) for file in files]
            arrays[name] = np.array(values, dtype=object)
        return arrays

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks on files of other kinds."""
        return self._folders.left_out

    def where(self, index: int) -> str:
        """Path of the file of an example."""
        return self._folders.show(self._folders.files[index])

    def labels(self, name: str) -> Labels:
        """Classes and their sizes, from the folders alone."""
        return self._folders.counts() if name == "label" else super().labels(name)

    def check(self, names: Sequence[str]) -> None:
        """Every file is UTF-8 and holds something."""
        if "text" in names:
            for file in self._folders.files:
                self._text(file)

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Files that are not UTF-8, or empty."""
        faults = {}
        for index, file in enumerate(self._folders.files if "text" in names else ()):
            try:
                self._text(file)
            except DataProblem as problem:
                faults[index] = problem.message
        return faults

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the column of texts."""
        return [("text",)]

    def _read(self, file: Path) -> str:
        """A file's text; of a broken one nothing, if such are left out."""
        try:
            return self._text(file)
        except DataProblem:
            if not self.tolerant:
                raise
            return ""

    def _text(self, file: Path) -> str:
        shown = self._folders.show(file)
        try:
            content = file.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise self._folders.problem(f"cannot read `{shown}`: {error.strerror or error}", file) from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            message = f"line {line} of `{shown}` is not UTF-8"
            raise self._folders.problem(message, file, "save the file as UTF-8") from error
        if not content.strip():
            raise self._folders.problem(f"`{shown}` is empty", file, "remove the file")
        return content
