"""Folders of images; static facts come from the images' headers, and pixels are decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import example, text
from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, Labels, Source, Table
from dlspec.data.sources.broken_pictures import find_broken
from dlspec.data.sources.folders import ClassFolders, emitted
from dlspec.data.sources.limits import STREAMED_FROM
from dlspec.data.sources.paths import locate
from dlspec.data.sources.pictures import (
    SUFFIXES,
    PictureFile,
    Pictures,
    channels_option,
    emitted_images,
    size_option,
)
from dlspec.data.sources.remarks import LeftOut

if TYPE_CHECKING:
    import numpy as np


class ImageFolder(Source):
    """A folder of images, in one subfolder per class, or flat; what lies deeper belongs to its class.

    Columns: ``image``, and ``label`` (the name of the subfolder) where there are subfolders.
    """

    decodes = True
    shorthand = "path"
    path = text(doc="The folder, from the spec's folder.")
    size = size_option("images are resized (bilinear)")
    channels = channels_option()
    examples = (example("photos"), example("{path: photos, size: [64, 64], channels: 3}"))

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the columns of images."""
        return ("image",)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: the listing of the files, and expressions of their pixels and classes."""
        images = emitted_images("files", table.columns["image"].tensor, bool(self.size), lazy=table.streamed)
        return emitted(table, columns, SUFFIXES, image=images)

    def open(self, folder: Path, *, allow_outside: bool = False) -> ImageTable:
        """Finds the folder."""
        path = locate(self.path, folder, allow_outside=allow_outside, want="folder")
        channels = None if self.channels is None else int(self.channels)
        folders = ClassFolders(path, self.path, SUFFIXES, "images", None if allow_outside else folder.resolve())
        return ImageTable(folders, self.size, channels)


class ImageTable(Table):
    """The images below one folder, in the order of class and file name.

    Args:
        folders: The files.
        size: Height and width to which they are resized, or None.
        channels: Channels to which they are converted, or None.
    """

    def __init__(self, folders: ClassFolders, size: tuple[int, ...] | None, channels: int | None) -> None:
        self._folders = folders
        self._size = size
        self._channels = channels
        self.skipped: list[str] = []

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """``image`` [height, width, channels] of bytes, and ``label`` where there are class folders."""
        columns = {"image": Column(self._pictures.tensor, len(self._files), largest=255)}
        if self._folders.classes:
            columns["label"] = Column(Tensor((), TEXT), len(self._files), label=True)
        return columns

    @cached_property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the decoded images are too large to be kept."""
        size: int = self._pictures.tensor.bytes * len(self._files)
        return size > STREAMED_FROM

    def read(self, names: Iterable[str]) -> Arrays:
        """``image``: [images, height, width, channels] from 0 to 255; ``label``: the class folders' names."""
        return {name: self._pictures.read() if name == "image" else self._classes for name in names}

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`; no other image is decoded."""
        return {name: self._pictures.read(indices) if name == "image" else self._classes[indices] for name in names}

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks on files of other kinds."""
        return self._folders.left_out

    def where(self, index: int) -> str:
        """The image's path inside the folder of the spec."""
        return self._files[index].where

    def labels(self, name: str) -> Labels:
        """Classes and their sizes, from the folders alone."""
        if name != "label":
            return super().labels(name)
        counts = dict.fromkeys(self._folders.classes, 0)
        for file in self._files:
            counts[self._folders.label(file.path)] += 1
        present = {name: count for name, count in counts.items() if count}
        return Labels(tuple(present), tuple(present.values()))

    def check(self, names: Sequence[str]) -> None:
        """Nothing to check: bytes are finite."""

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the column of images."""
        return [("image",)]

    @cached_property
    def _files(self) -> Sequence[PictureFile]:
        """All images; without broken ones, if such are left out."""
        shown = [(file, self._folders.show(file)) for file in self._folders.files]
        files = [PictureFile(file, name, name) for file, name in shown]
        if not self.tolerant:
            return files
        broken = find_broken(files, lambda some: Pictures(some, self._size, self._channels))
        self.skipped += [f"{files[number].where}: {reason}" for number, reason in broken.items()]
        return [file for number, file in enumerate(files) if number not in broken]

    @cached_property
    def _pictures(self) -> Pictures:
        return Pictures(self._files, self._size, self._channels)

    @cached_property
    def _classes(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.array([self._folders.label(file.path) for file in self._files], dtype=object)
