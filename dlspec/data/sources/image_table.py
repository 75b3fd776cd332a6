"""Images named by a table: a column of paths becomes a column of images, the other columns stay as they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import component, example, text, texts
from dlspec.core.errors import Problem
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import Arrays, Column, DataProblem, Labels, Source, Table
from dlspec.data.sources.broken_pictures import find_broken
from dlspec.data.sources.limits import STREAMED_FROM
from dlspec.data.sources.masks import Masks, check_values, emitted_masks, values_option
from dlspec.data.sources.paths import locate
from dlspec.data.sources.pictures import PictureFile, Pictures, channels_option, emitted_images, size_option
from dlspec.data.sources.remarks import LeftOut

if TYPE_CHECKING:
    import numpy as np


class ImageTable(Source):
    """A table with the path of an image in every row, and labels, numbers or whatever else in its other columns."""

    decodes = True
    table = component("source", doc="The table: `{csv: labels.csv}`, or any other source.")
    images = texts(default="image", doc="Columns with paths of images; each becomes the images themselves.")
    masks = texts(default=(), doc="Columns with paths of masks, whose pixels are class numbers (grey or palette).")
    folder = text(default=".", doc="The folder in which the paths start, from the spec's folder.")
    size = size_option("images (bilinear) and masks (nearest) are resized")
    channels = channels_option()
    values = values_option()
    examples = (
        example("{table: {csv: labels.csv}, images: file, folder: photos, size: [64, 64], channels: 3}"),
        example("{table: {csv: scans.csv}, images: scan, masks: organs}"),
    )

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the columns of images and masks."""
        return (*self.images, *self.masks)

    def validate(self) -> None:
        """Every column is one thing; values of masks fit into a byte."""
        for name in self.masks:
            if name in self.images:
                raise Problem("E207", f"`{name}` is both in `images` and in `masks`", "name it once", "masks")
        check_values(self.values)

    def named_files(self, folder: Path, *, allow_outside: bool = False) -> Iterable[str]:
        """The images and masks of the table."""
        try:
            columns = self.table.open(folder, allow_outside=allow_outside).read([*self.images, *self.masks])
        except (Problem, OSError):
            return
        start = str(folder / self.folder)
        for values in columns.values():
            yield from (os.path.join(start, str(value)) for value in values)  # noqa: PTH118 - many: no `Path` for each

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The table, and how the images of each column are found and decoded."""
        assert isinstance(table, PicturedTable)
        here = self.folder == "."
        lines = [] if here else [Piece("root = folder / {}", self.folder)]
        for name in sorted((name for name in columns if name in self.pictures), key=self.masks.__contains__):
            lines.append(Piece(f"files = [{'folder' if here else 'root'} / file for file in columns[{{}}]]", name))
            lines.append(Piece("columns[{}] = {}", name, self._decoded(name, table)))
        return {"inner": {"table": (self.table, columns, table.table)}, "lines": lines}

    def _decoded(self, name: str, table: Table) -> Piece:
        """The images of one column, whose paths are the list ``files``."""
        tensor, resized, lazy = table.columns[name].tensor, bool(self.size), table.streamed
        if name in self.masks:
            return emitted_masks("files", tensor, resized, self.values, lazy=lazy, again=True)
        return emitted_images("files", tensor, resized, lazy=lazy, again=True)

    def open(self, folder: Path, *, allow_outside: bool = False) -> PicturedTable:
        """Opens the table and finds the folder of the images."""
        with_images = locate(self.folder, folder, allow_outside=allow_outside, want="folder", option="folder")
        try:
            table = self.table.open(folder, allow_outside=allow_outside)
        except Problem as problem:
            problem.option = "table"
            raise
        inside = None if allow_outside else folder.resolve()
        return PicturedTable(self, table, with_images, inside)


class PicturedTable(Table):
    """A table some of whose columns of paths are shown as images.

    Args:
        source: The options.
        table: The opened table.
        folder: Where paths start.
        inside: Where they must lead, if that is limited.
    """

    def __init__(self, source: ImageTable, table: Table, folder: Path, inside: Path | None) -> None:
        self._source = source
        self._table = table
        self._folder = folder
        self._inside = inside

    @cached_property
    def table(self) -> Table:
        """The table with the paths, as tolerant as this one."""
        self._table.tolerant, self._table.stated = self.tolerant, self.stated
        try:
            _ = self._table.columns
        except Problem as problem:
            problem.option = "table"
            raise
        return self._table

    @property
    def skipped(self) -> Sequence[str]:  # type: ignore[override]
        """Rows that the table has skipped, as text."""
        return self.table.skipped

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks of the table."""
        return [remark._replace(option="table") for remark in self.table.left_out]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns of the table, those of paths as images and masks. Reads the headers of all images."""
        pictures = {
            name: Column(images.tensor, len(images.files), largest=255) for name, images in self._pictures.items()
        }
        return {name: pictures.get(name, column) for name, column in self.table.columns.items()}

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the decoded images are too large to be kept."""
        return sum(images.tensor.bytes * len(images.files) for images in self._pictures.values()) > STREAMED_FROM

    def read(self, names: Iterable[str]) -> Arrays:
        """Images as bytes from 0 to 255, masks as class numbers, other columns as the table has them."""
        names = list(names)
        plain = self.table.read([name for name in names if name not in self._pictures])
        return {name: plain[name] if name in plain else self._pictures[name].read() for name in names}

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, in that order; only their images are decoded."""
        names = list(names)
        plain = self.table.take([name for name in names if name not in self._pictures], indices)
        return {name: plain[name] if name in plain else self._pictures[name].read(indices) for name in names}

    def where(self, index: int) -> str:
        """Location of a row in the table."""
        return self.table.where(index)

    def labels(self, name: str) -> Labels:
        """Distinct values of a column; of masks, the classes of their pixels."""
        pictures = self._pictures.get(name)
        return pictures.labels() if isinstance(pictures, Masks) else self.table.labels(name)

    def check(self, names: Sequence[str]) -> None:
        """The table's own columns are sound, and masks hold no values but those named."""
        self.table.check([name for name in names if name not in self._pictures])
        for name in names:
            if self._source.values is not None and isinstance(self._pictures.get(name), Masks):
                self.labels(name)

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Rows that the table cannot use, and those whose images are missing or cannot be read to their end."""
        faults = dict(self.table.faults([name for name in names if name not in self._pictures]))
        for name in names:
            if name in self._pictures:
                faults = {**self._pictures[name].broken, **faults}
        return faults

    def as_numbers(self, name: str) -> bool:
        """Whether the table can read a column as numbers."""
        done = name not in self._pictures and self.table.as_numbers(name)
        self.__dict__.pop("columns", None)
        return done

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first value of a column that is no number, and its location; None where all are."""
        return self.table.not_a_number(name)

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the columns of images."""
        return [(name,) for name in self._source.images if name not in taken]

    @cached_property
    def _pictures(self) -> dict[str, Pictures]:
        images = {name: self._column(name, "images", self._images) for name in self._source.images}
        return images | {name: self._column(name, "masks", self._masks) for name in self._source.masks}

    def _images(self, files: Sequence[PictureFile]) -> Pictures:
        channels = None if self._source.channels is None else int(self._source.channels)
        return Pictures(files, self._source.size, channels, "images")

    def _masks(self, files: Sequence[PictureFile]) -> Pictures:
        return Masks(files, self._source.size, self._source.values, "masks")

    def _column(self, name: str, option: str, make: Callable[[Sequence[PictureFile]], Pictures]) -> Pictures:
        """The images that a column names; if rows with broken ones are left out, it is known which these are."""
        if not self.table.find(name, option).text:
            message = f"column `{name}` holds {self.table.columns[name].tensor}, expected paths"
            raise Problem("E603", message, f"`{option}` names a column of paths", option)
        files, lost = [], {}
        for index, written in enumerate(map(str, self.table.read([name])[name])):
            file = PictureFile(self._folder / written, written, self.where(index))
            try:
                self._check(file, name, option)
            except DataProblem as problem:
                if not self.tolerant or problem.code != "E608":
                    raise
                lost[index] = problem.message
            files.append(file)
        pictures = make(files)
        if self.tolerant:
            pictures.broken = find_broken(files, make, lost)
        return pictures

    def _check(self, file: PictureFile, name: str, option: str) -> None:
        """The file is there, and may be read.

        Raises:
            DataProblem: E108, it is outside of the spec's folder; E608, there is none.
        """
        if file.shown.strip() and file.path.is_file():
            if self._inside is None or file.path.resolve().is_relative_to(self._inside):
                return
            message, help = f"`{file.shown}` leads out of the spec's folder", "pass `--allow-outside`"
            raise DataProblem("E108", message, f"move the data beside the spec, or {help}", option, file.where)
        if not file.shown.strip():
            raise DataProblem("E608", f"column `{name}` names no image", "drop the row", option, file.where)
        message = f"there is no image `{file.shown}` in `{self._source.folder}`"
        raise DataProblem("E608", message, "paths start at `folder`", option, file.where)
