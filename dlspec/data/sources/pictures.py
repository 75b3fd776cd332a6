"""Image files read by Pillow: static facts from their headers, then bytes of one shape."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dlspec.components.registry import Field, choice, integers, optional
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.limits import check_memory

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

T = TypeVar("T")

# What Pillow reads by itself, the usual ones first.
SUFFIXES = tuple(
    f".{name}"
    for name in (
        "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif", "jpe", "jp2", "j2k", "jpf", "jpx",
        "mpo", "apng", "dib", "pbm", "pgm", "pnm", "ppm", "pcx", "qoi", "tga",
    )
)  # fmt: skip
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_CHANNELS = {"1": 1, "L": 1, "P": 3, "RGB": 3, "CMYK": 3, "YCbCr": 3, "RGBA": 4, "LA": 4, "PA": 4}
# What the last bytes of a whole file hold; a download that broke off lacks them.
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 64
# EXIF's orientation, in its tag; from 5 on, height and width change places.
_ORIENTATION, _LYING = 0x0112, 5
# What may say how a PNG file is to be turned, and may stand behind its pixels: so far from the end it is sought.
_LATE, _LATE_FROM = (b"eXIf", b"exif", b"tiff:Orientation"), 1 << 16

# Pixels along a side; no network of today takes more, and a slip of the finger does.
_LARGEST = 16384


def size_option(how: str) -> Field[Any]:
    """The option ``size``; `how` says what is resized in which way."""
    doc = f"Height and width to which {how}; without it all must agree."
    return optional(integers(min=1, max=_LARGEST, length=2), doc=doc)


def channels_option() -> Field[Any]:
    """The option ``channels``."""
    doc = "Channels to which images are converted (1 grey, 3 colour, 4 with alpha); without it all must agree."
    return optional(choice(1, 3, 4), doc=doc)


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads that decode; Pillow lets others run meanwhile."""
    return ThreadPoolExecutor(workers)


def _content(path: Path) -> io.BytesIO:
    """A file read at once: Pillow's small reads each let another thread run, which costs a sixth of the time."""
    with path.open("rb", buffering=0) as stream:
        return io.BytesIO(stream.readall())


def emitted_images(files: str, tensor: Tensor, resized: bool, *, lazy: bool, again: bool = False) -> Piece:
    """Expression that decodes the images of files in a project; see :func:`all_decoded`.

    Args:
        tensor: The type of one image.
        resized: Whether the files may have other sizes.
    """
    channels = MODES[tensor.shape[2] or 0]

    def decoded(file: str) -> Piece:
        if resized:
            return Piece(f"resized_picture({file}, {{}}, {{}})", width_and_height(tensor), channels)
        return Piece(f"picture({file}, {{}})", channels)

    return all_decoded(files, decoded, lazy=lazy, again=again)


def width_and_height(tensor: Tensor) -> tuple[int, int]:
    """The size of images of a type, in Pillow's order."""
    return tensor.shape[1] or 0, tensor.shape[0] or 0


def all_decoded(files: str, decoded: Callable[[str], Piece], *, lazy: bool, again: bool = False) -> Piece:
    """An array of all images; where that is too large, of those that a batch asks for.

    Args:
        files: The variable that holds the paths.
        decoded: How a single file is decoded, from its expression.
        lazy: Whether all are too large.
        again: Whether the variable holds other paths later.
    """
    if not lazy:
        return Piece(f"np.stack([{{}} for file in {files}])", decoded("file"))
    rows = f"rows, {files}={files}" if again else "rows"
    image = decoded(f"{files}[row]")
    return Piece(f"Lazy(lambda {rows}: np.stack([{{}} for row in rows]), np.arange(len({files})),)", image)


class Header(NamedTuple):
    """Size, mode and format from the header of an image.

    Attributes:
        height: Of the image as it is shown, turned as its EXIF data say.
        width: Likewise.
        mode: Pillow's word for what a pixel is.
        form: Pillow's word for the format: ``JPEG``.
    """

    height: int
    width: int
    mode: str
    form: str


def orientation(image: Image) -> int:
    """EXIF orientation of an opened image: 1 (upright) to 8."""
    if image.format == "TIFF":  # which Pillow turns by itself
        return 1
    if image.format == "PNG" and "exif" not in image.info and not _may_turn(image):
        return 1  # Pillow would decode all of the image to find that out
    return int(image.getexif().get(_ORIENTATION, 1))


def _may_turn(image: Image) -> bool:
    """Whether text of a PNG file, or what stands behind its pixels, may say how it is to be turned."""
    if "Raw profile type exif" in image.info or "XML:com.adobe.xmp" in image.info:
        return True
    stream = getattr(image, "fp", None)
    if stream is None:
        return False
    position = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, end - _LATE_FROM))
    tail = stream.read()
    stream.seek(position)
    return any(mark in tail for mark in _LATE)


def shown_size(image: Image) -> tuple[int, int]:
    """Height and width of an opened image as it is to be shown."""
    return (image.width, image.height) if orientation(image) >= _LYING else (image.height, image.width)


def turned(image: Image) -> Image:
    """An image as it is to be shown: what EXIF data say of the camera is made up for."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image) if orientation(image) > 1 else image


class PictureFile(NamedTuple):
    """One image file.

    Attributes:
        shown: Its path as the spec or the table writes it.
        where: Where a mistake in it is to be sought: the file, or the row that names it.
    """

    path: Path
    shown: str
    where: str


class Pictures:
    """Image files as one column.

    Args:
        files: One per example.
        size: Height and width to which they are resized (bilinear); None where all must have one size.
        channels: Channels to which they are converted; None where all must agree.
        option: The option of the source that names them.

    Attributes:
        broken: Files that cannot be used, by number, with the reason; zeros stand in their place.
    """

    def __init__(
        self, files: Sequence[PictureFile], size: tuple[int, ...] | None, channels: int | None, option: str = "path"
    ) -> None:
        self.files = files
        self.broken: Mapping[int, str] = {}
        self._size = size
        self._channels = channels
        self._option = option

    @cached_property
    def tensor(self) -> Tensor:
        """Type of one image: [height, width, channels], uint8. Reads every header.

        Raises:
            DataProblem: E608, an image is broken or unlike the first.
        """
        files = [file for number, file in enumerate(self.files) if number not in self.broken]
        shapes = (self.shape(file) for file in files)
        first = next(shapes)
        for file, shape in zip(files[1:], shapes, strict=True):
            if shape != first:
                raise self._odd(file, shape, first)
        return Tensor(first, "uint8")

    def read(self, indices: Iterable[int] | None = None) -> np.ndarray[Any, Any]:
        """The images `indices` (all unless given) as one array of bytes, decoded side by side.

        Raises:
            DataProblem: E608 an image is broken; E609 they are too many for the memory.
        """
        import numpy as np

        numbers = list(range(len(self.files)) if indices is None else indices)
        shape = tuple(size or 0 for size in self.tensor.shape)
        what = f"{len(numbers):,} images like `{self.files[0].shown}`" if numbers else ""
        check_memory(len(numbers) * self.tensor.bytes, what, self.files[0].where, self._option)
        images = np.empty((len(numbers), *shape), np.uint8)

        def load(some: range) -> None:
            for row in some:
                number = numbers[row]
                images[row] = 0 if number in self.broken else self.load(self.files[number])

        workers = os.cpu_count() or 1  # with more, they wait for Python and for each other: a fifth of the time
        for _ in _pool(workers).map(load, [range(first, len(numbers), workers) for first in range(workers)]):
            pass
        return images

    def load(self, file: PictureFile) -> np.ndarray[Any, Any]:
        """One image, in colour or grey as all of them, resized."""
        import numpy as np
        from PIL import Image

        height, width, channels = (size or 0 for size in self.tensor.shape)

        def decoded(image: Image.Image) -> Image.Image:
            # JPEG files are decoded at a half, a quarter or an eighth of their size where that is still enough.
            turn = orientation(image)
            image.draft(None, (height, width) if turn >= _LYING else (width, height))
            if image.mode != MODES[channels]:
                image = image.convert(MODES[channels])
            image.load()
            return turned(image) if turn > 1 else image

        picture = self._opened(file, decoded, whole=True)
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(picture, np.uint8).reshape(height, width, channels)

    def shape(self, file: PictureFile) -> tuple[int, ...]:
        """Height, width and channels of one image as it is loaded, from its header.

        Raises:
            DataProblem: E608, it is broken, or has pixels that are no bytes.
        """
        height, width, mode, _ = self.header(file)
        channels = self._channels or _CHANNELS.get(mode)
        if channels is None or mode.startswith(("I", "F")):
            help = "save it with 8 bits a channel"
            raise self.problem(f"image `{file.shown}` has pixels of Pillow's mode {mode}", file, help)
        return (*(self._size or (height, width)), channels)

    def header(self, file: PictureFile) -> Header:
        """The header of an image, without decoding it.

        Raises:
            DataProblem: E608, it cannot be read, is cut off, or claims too many pixels.
        """
        from PIL import Image

        def facts(image: Image.Image) -> Header:
            return Header(*shown_size(image), image.mode, image.format or "")

        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            header = self._opened(file, facts)
        with file.path.open("rb") as stream:
            stream.seek(max(0, file.path.stat().st_size - _TAIL))
            if _ENDS.get(header.form, b"") not in stream.read():
                raise self.problem(f"image `{file.shown}` is cut off: its end is missing", file)
        return header

    def _opened(self, file: PictureFile, use: Callable[[Image], T], *, whole: bool = False) -> T:
        """The result of `use` for the opened image; `whole` where it needs all of the file."""
        from PIL import Image

        try:
            with Image.open(_content(file.path) if whole else file.path) as image:
                return use(image)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            message = f"image `{file.shown}` claims more than {Image.MAX_IMAGE_PIXELS:,} pixels"
            raise self.problem(message, file, "scale it down") from error
        except (OSError, SyntaxError, ValueError) as error:
            reason = str(error).split("'")[0].split("<")[0].strip() or type(error).__name__
            raise self.problem(f"image `{file.shown}` cannot be read: {reason}", file) from error

    def _odd(self, file: PictureFile, shape: tuple[int, ...], first: tuple[int, ...]) -> DataProblem:
        if shape[:2] != first[:2]:
            message = f"image `{file.shown}` is {shape[0]}×{shape[1]}, the first one is {first[0]}×{first[1]}"
            return self.problem(message, file, f"resize all: `size: [{first[0]}, {first[1]}]`")
        message = f"image `{file.shown}` has {shape[2]} channels, the first one has {first[2]}"
        return self.problem(message, file, f"convert all: `channels: {first[2]}`")

    def problem(self, message: str, file: PictureFile, help: str = "") -> DataProblem:
        """A problem (E608) with one image."""
        return DataProblem("E608", message, help, self._option, file.where)
