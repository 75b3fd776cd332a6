"""Images with a mask each, in two folders: what segmentation learns from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import example, text
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import Arrays, Column, DataProblem, Labels, Source, Table
from dlspec.data.sources.broken_pictures import find_broken
from dlspec.data.sources.folders import ClassFolders
from dlspec.data.sources.limits import STREAMED_FROM
from dlspec.data.sources.masks import Masks, check_values, emitted_masks, values_option
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

Pair = tuple[PictureFile, PictureFile]


class ImageMasks(Source):
    """A folder of images and a folder of masks with the same names (``cat.jpg`` and ``cat.png``), at any depth.

    Columns: ``image``, and ``mask``, whose pixels are class numbers (grey or palette images).
    """

    decodes = True
    images = text(doc="The folder of images, from the spec's folder.")
    masks = text(doc="The folder of masks, from the spec's folder.")
    size = size_option("images (bilinear) and masks (nearest) are resized")
    channels = channels_option()
    values = values_option()
    examples = (
        example("{images: photos, masks: masks, size: [128, 128], channels: 3}"),
        example("{images: cells, masks: outlines, values: [0, 255]}"),
    )

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the columns of images and masks."""
        return ("image", "mask")

    def validate(self) -> None:
        """Checks that values of masks fit into a byte."""
        check_values(self.values)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: for each column the listing of its files, and the expression of the decoded array."""
        tensors = {name: column.tensor for name, column in table.columns.items()}
        resized, lazy = bool(self.size), table.streamed
        emitted = {
            "image": (self.images, emitted_images("images", tensors["image"], resized, lazy=lazy)),
            "mask": (self.masks, emitted_masks("masks", tensors["mask"], resized, self.values, lazy=lazy)),
        }
        return {
            "listed": [
                Piece(f"{name}s = files_by_name(folder / {{}}, {{}})", path, SUFFIXES)
                for name, (path, _) in emitted.items()
                if name in columns
            ],
            "arrays": {name: made for name, (_, made) in emitted.items() if name in columns},
        }

    def open(self, folder: Path, *, allow_outside: bool = False) -> MaskedImages:
        """Finds both folders."""
        inside = None if allow_outside else folder.resolve()
        folders = []
        for option in ("images", "masks"):
            shown = getattr(self, option)
            path = locate(shown, folder, allow_outside=allow_outside, want="folder", option=option)
            folders.append(ClassFolders(path, shown, SUFFIXES, option, inside, option, flat=True))
        return MaskedImages(self, *folders)


class MaskedImages(Table):
    """Images and masks in the order of their names."""

    def __init__(self, source: ImageMasks, images: ClassFolders, masks: ClassFolders) -> None:
        self._source = source
        self._folders = {"image": images, "mask": masks}
        self.skipped: list[str] = []

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """``image`` [height, width, channels] and ``mask`` [height, width], both of bytes. Reads all headers."""
        return {
            name: Column(pictures.tensor, len(pictures.files), name == "mask", 255)
            for name, pictures in self._pictures.items()
        }

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the decoded images are too large to be kept."""
        return sum(pictures.tensor.bytes * len(pictures.files) for pictures in self._pictures.values()) > STREAMED_FROM

    def read(self, names: Iterable[str]) -> Arrays:
        """Images from 0 to 255, and class numbers."""
        return {name: self._pictures[name].read() for name in names}

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, in that order; no others are decoded."""
        return {name: self._pictures[name].read(indices) for name in names}

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Files of other kinds, in either folder."""
        return [remark for folders in self._folders.values() for remark in folders.left_out]

    def where(self, index: int) -> str:
        """The image and its mask."""
        return " and ".join(pictures.files[index].shown for pictures in self._pictures.values())

    def labels(self, name: str) -> Labels:
        """The classes of the masks' pixels."""
        pictures = self._pictures[name]
        return pictures.labels() if isinstance(pictures, Masks) else super().labels(name)

    def check(self, names: Sequence[str]) -> None:
        """Masks hold no values but those named."""
        if "mask" in names and self._source.values is not None:
            self.labels("mask")

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the column of images."""
        return [("image",)]

    @cached_property
    def _pictures(self) -> dict[str, Pictures]:
        pairs = self._pairs()
        if self.tolerant:
            pairs = self._whole(pairs)
        else:
            self._check_sizes(pairs)
        images, masks = zip(*pairs, strict=True)
        return {"image": self._images(images), "mask": self._masks(masks)}

    def _images(self, files: Sequence[PictureFile]) -> Pictures:
        channels = None if self._source.channels is None else int(self._source.channels)
        return Pictures(files, self._source.size, channels, "images")

    def _masks(self, files: Sequence[PictureFile]) -> Masks:
        return Masks(files, self._source.size, self._source.values, "masks")

    def _pairs(self) -> list[Pair]:
        files = {name: self._by_name(folder) for name, folder in self._folders.items()}
        for have, lack, option in (("image", "mask", "images"), ("mask", "image", "masks")):
            alone = [files[have][stem] for stem in sorted(files[have].keys() - files[lack].keys())]
            other = getattr(self._source, f"{lack}s")
            if alone and not self.tolerant:
                more = f" (and {len(alone) - 1} more like it)" if len(alone) > 1 else ""
                message = f"{have} `{alone[0].shown}` has no {lack} in `{other}`{more}"
                raise DataProblem("E608", message, "the names are equal but for the ending", option, alone[0].where)
            self.skipped += [f"{file.where}: {have} `{file.shown}` has no {lack} in `{other}`" for file in alone]
        stems = sorted(files["image"].keys() & files["mask"].keys())
        if not stems:
            message = f"no image in `{self._source.images}` has a mask in `{self._source.masks}`"
            help = "the names are equal but for the ending"
            raise DataProblem("E608", message, help, "images", self._source.images)
        return [(files["image"][stem], files["mask"][stem]) for stem in stems]

    def _whole(self, pairs: Sequence[Pair]) -> list[Pair]:
        """The pairs both of whose files can be used; the others are :attr:`skipped`."""
        images, masks = zip(*pairs, strict=True)
        broken = find_broken(images, self._images)
        broken |= find_broken(masks, self._masks, broken)
        for number, pair in enumerate(pairs):
            if number not in broken and (reason := self._unlike(*pair)):
                broken[number] = reason
        if len(broken) == len(pairs):
            reason = next(iter(broken.values()))
            raise DataProblem("E608", f"no image with a mask can be used: {reason}", "", "images", images[0].where)
        for number, reason in sorted(broken.items()):
            self.skipped.append(f"{' and '.join(file.shown for file in pairs[number])}: {reason}")
        return [pair for number, pair in enumerate(pairs) if number not in broken]

    def _by_name(self, folder: ClassFolders) -> dict[str, PictureFile]:
        files: dict[str, PictureFile] = {}
        for path in folder.files:
            file = PictureFile(path, folder.show(path), folder.show(path))
            name = folder.inner(path).removesuffix(path.suffix)
            if name in files:
                raise folder.problem(f"`{files[name].shown}` and `{file.shown}` have one name", path, "remove one")
            files[name] = file
        return files

    def _check_sizes(self, pairs: Sequence[Pair]) -> None:
        if self._source.size is None:  # then all have one size anyway
            return
        for image, mask in pairs:
            if message := self._unlike(image, mask):
                raise DataProblem("E608", message, "", "masks", mask.where)

    def _unlike(self, image: PictureFile, mask: PictureFile) -> str:
        """A sentence on how the sizes of an image and its mask differ; "" where they fit."""
        (height, width), (tall, wide) = self._images([image]).header(image)[:2], self._masks([mask]).header(mask)[:2]
        if (height, width) == (tall, wide):
            return ""
        return f"image `{image.shown}` is {height}×{width}, its mask `{mask.shown}` {tall}×{wide}"
