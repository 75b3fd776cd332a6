"""Folders of images, read by Pillow; static facts come from the images' headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Labels, Source, Table, locate
from dlspec.errors import Problem
from dlspec.ir import Tensor
from dlspec.registry import choice, example, integers, optional, text

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_CHANNELS = {"1": 1, "L": 1, "RGBA": 4, "LA": 4, "PA": 4}
# What the last bytes of a whole file hold; a download that broke off lacks them.
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


class ImageFolder(Source):
    """A folder of images, in one subfolder per class, or flat.

    Columns: ``image``, and ``label`` (the name of the subfolder) where there are subfolders.
    """

    shorthand = "path"
    path = text(doc="The folder, from the spec's folder.")
    size = optional(
        integers(min=1, length=2),
        doc="Height and width to which images are resized (bilinear); without it all must have one size.",
    )
    channels = optional(
        choice(1, 3, 4),
        doc="Channels to which images are converted (1 grey, 3 colour, 4 with alpha); without it all must agree.",
    )
    examples = (example("photos"), example("{path: photos, size: [64, 64], channels: 3}"))

    def open(self, folder: Path, *, allow_outside: bool = False) -> ImageTable:
        """Finds the folder."""
        path = locate(self.path, folder, allow_outside=allow_outside, want="folder")
        channels = None if self.channels is None else int(self.channels)
        return ImageTable(path, self.path, self.size, channels, None if allow_outside else folder.resolve())


class ImageTable(Table):
    """The images below one folder, in the order of class and file name."""

    def __init__(
        self,
        path: Path,
        shown: str,
        size: tuple[int, ...] | None,
        channels: int | None,
        inside: Path | None = None,
    ) -> None:
        self._path = path
        self._shown = shown
        self._size = size
        self._channels = channels
        self._inside = inside  # where links must lead, if that is limited

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """``image`` [height, width, channels] of bytes, and ``label`` where there are class folders."""
        shape = self._shape()
        columns = {"image": Column(Tensor(shape, "uint8"), len(self._files))}
        if self._classes:
            columns["label"] = Column(Tensor((), TEXT), len(self._files), label=True)
        return columns

    def read(self, names: Iterable[str]) -> Arrays:
        """``image``: [images, height, width, channels] from 0 to 255; ``label``: the class folders' names."""
        import numpy as np

        arrays: Arrays = {}
        for name in names:
            if name == "image":
                arrays[name] = self._images()
            else:
                arrays[name] = np.array([file.parent.name for file in self._files], dtype=object)
        return arrays

    def where(self, index: int) -> str:
        """The image's path inside the folder of the spec."""
        return self._show(self._files[index])

    def labels(self, name: str) -> Labels:
        """Classes and their sizes, from the folders alone."""
        if name != "label":
            return super().labels(name)
        counts = dict.fromkeys(self._classes, 0)
        for file in self._files:
            counts[file.parent.name] += 1
        return Labels(tuple(counts), tuple(counts.values()))

    def check(self, names: Sequence[str]) -> None:
        """Bytes are sound."""

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """The images."""
        return [("image",)]

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        return tuple(sorted(e.name for e in self._path.iterdir() if e.is_dir() and not e.name.startswith(".")))

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        try:
            folders = [self._path / name for name in self._classes] or [self._path]
            found = {folder: _images_in(folder) for folder in folders}
            stray = _images_in(self._path) if self._classes else []
        except OSError as error:
            raise self._problem(
                "E601", f"cannot read `{self._shown}`: {error.strerror or error}", self._path
            ) from error
        for folder, files in found.items():
            if not files:
                what = "class folder" if self._classes else "folder"
                raise self._problem("E608", f"{what} `{folder.name}` holds no images", folder)
        if stray:
            message = f"`{stray[0].name}` stands beside the class folders of `{self._shown}`"
            raise self._problem("E608", message, stray[0], "move it into the folder of its class")
        images = tuple(file for files in found.values() for file in files)
        self._check_links(images)
        return images

    def _check_links(self, images: Sequence[Path]) -> None:
        """Raises E108 where a link leads out of the spec's folder."""
        if self._inside is None:
            return
        linked = {folder for folder in {image.parent for image in images} if folder.is_symlink()}
        for image in images:
            if (image.is_symlink() or image.parent in linked) and not image.resolve().is_relative_to(self._inside):
                message = f"`{self._show(image)}` is a link that leads out of the spec's folder"
                raise Problem("E108", message, "move the data beside the spec, or pass `--allow-outside`", "path")

    def _shape(self) -> tuple[int, int, int]:
        """Reads every header, so that a broken or odd image is found before training."""
        first: tuple[int, int, int] | None = None
        for file in self._files:
            shape = self._header(file)
            if first is None:
                first = shape
            elif shape != first:
                raise self._odd(file, shape, first)
        assert first is not None
        return first

    def _header(self, file: Path) -> tuple[int, int, int]:
        from PIL import Image

        try:
            with file.open("rb") as stream, Image.open(stream) as image:
                channels = self._channels or _CHANNELS.get(image.mode, 3)
                height, width = self._size or (image.height, image.width)
                end = _ENDS.get(image.format or "", b"")
                stream.seek(max(0, file.stat().st_size - 64))
                whole = end in stream.read()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise self._unreadable(file, error) from error
        if not whole:
            raise self._problem("E608", f"image `{self._show(file)}` is cut off: its end is missing", file)
        return height, width, channels

    def _images(self) -> np.ndarray[Any, Any]:
        import numpy as np

        height, width, channels = (size or 0 for size in self.columns["image"].tensor.shape)
        images = np.empty((len(self._files), height, width, channels), np.uint8)

        def load(index: int) -> None:
            images[index] = self._load(self._files[index], (height, width, channels))

        with ThreadPoolExecutor() as pool:
            for _ in pool.map(load, range(len(self._files))):
                pass
        return images

    def _load(self, file: Path, shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
        import numpy as np
        from PIL import Image

        height, width, channels = shape
        try:
            with Image.open(file) as image:
                picture = image.convert(_MODES[channels])
        except (OSError, SyntaxError, ValueError) as error:
            raise self._unreadable(file, error) from error
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(picture, np.uint8).reshape(shape)

    def _odd(self, file: Path, shape: tuple[int, int, int], first: tuple[int, int, int]) -> DataProblem:
        shown = self._show(file)
        if shape[:2] != first[:2]:
            message = f"image `{shown}` is {shape[0]}×{shape[1]}, the first one is {first[0]}×{first[1]}"
            return self._problem("E608", message, file, f"resize all: `size: [{first[0]}, {first[1]}]`")
        message = f"image `{shown}` has {shape[2]} channels, the first one has {first[2]}"
        return self._problem("E608", message, file, f"convert all: `channels: {first[2]}`")

    def _unreadable(self, file: Path, error: Exception) -> DataProblem:
        reason = str(error).split("'")[0].split("<")[0].strip() or type(error).__name__
        return self._problem("E608", f"image `{self._show(file)}` cannot be read: {reason}", file)

    def _problem(self, code: str, message: str, file: Path, help: str = "") -> DataProblem:
        return DataProblem(code, message, help, "path", self._show(file))

    def _show(self, file: Path) -> str:
        inside = file.relative_to(self._path).as_posix()
        return self._shown if inside == "." else f"{self._shown.rstrip('/')}/{inside}"


def _images_in(folder: Path) -> list[Path]:
    files = (entry for entry in folder.iterdir() if entry.suffix.lower() in SUFFIXES and not entry.name.startswith("."))
    return sorted(file for file in files if file.is_file())
