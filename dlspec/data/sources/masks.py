"""Mask images for segmentation: every pixel is a class number."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import Field, integers, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import Labels
from dlspec.data.sources.pictures import PictureFile, Pictures, all_decoded, turned, width_and_height

if TYPE_CHECKING:
    import numpy as np


def values_option() -> Field[Any]:
    """The option ``values``."""
    doc = "Pixel values of masks in the order of their classes; unless given a value is its class."
    return optional(integers(min=0), doc=doc)


def check_values(values: tuple[int, ...] | None) -> None:
    """Values of masks are bytes, each named once.

    Raises:
        Problem: E207.
    """
    if values is not None and (not values or max(values) > 255 or len(set(values)) < len(values)):
        raise Problem("E207", "`values` are different whole numbers from 0 to 255", "`values: [0, 255]`", "values")


def emitted_masks(
    files: str, tensor: Tensor, resized: bool, values: tuple[int, ...] | None, *, lazy: bool, again: bool = False
) -> Piece:
    """Expression that decodes the masks of files in a project; see :func:`dlspec.data.sources.pictures.all_decoded`."""

    def decoded(file: str) -> Piece:
        pixels = Piece(f"mask({file})")
        if resized:
            pixels = Piece(f"resized_mask({file}, {{}})", width_and_height(tensor))
        return Piece("numbered({}, {})", pixels, values) if values else pixels

    return all_decoded(files, decoded, lazy=lazy, again=again)


class Masks(Pictures):
    """Grey or palette images whose pixels are class numbers from 0 to 255; they are resized by nearest neighbours.

    Args:
        files: One per example.
        size: Height and width to which they are resized; None where all must have one size.
        values: Pixel values in the order of their class numbers; None where pixels are class numbers themselves.
        option: The option of the source that names them.
    """

    def __init__(
        self,
        files: Sequence[PictureFile],
        size: tuple[int, ...] | None,
        values: tuple[int, ...] | None,
        option: str = "path",
    ) -> None:
        super().__init__(files, size, 1, option)
        self._values = values

    @cached_property
    def tensor(self) -> Tensor:
        """Type of one mask: [height, width], uint8."""
        return Tensor(super().tensor.shape[:2], "uint8")

    def load(self, file: PictureFile) -> np.ndarray[Any, Any]:
        """The class numbers of one mask."""
        import numpy as np
        from PIL import Image

        height, width = (size or 0 for size in self.tensor.shape)

        def pixels(image: Image.Image) -> np.ndarray[Any, Any]:
            image = turned(image)
            if image.size != (width, height):
                image = image.resize((width, height), Image.Resampling.NEAREST)
            return np.array(image, np.uint8)

        mask: np.ndarray[Any, Any] = self._opened(file, pixels, whole=True)
        return mask if self._values is None else self._classes(mask, file)

    def labels(self) -> Labels:
        """The class numbers that occur, and how many pixels have each. Decodes every whole mask, and keeps none."""
        import numpy as np

        with ThreadPoolExecutor() as pool:
            whole = [file for number, file in enumerate(self.files) if number not in self.broken]
            loaded = pool.map(lambda file: np.bincount(self.load(file).ravel(), minlength=256), whole)
            counts = np.sum(list(loaded), axis=0)
        present = np.flatnonzero(counts)
        return Labels(tuple(present.tolist()), tuple(counts[present].tolist()))

    def _classes(self, pixels: np.ndarray[Any, Any], file: PictureFile) -> np.ndarray[Any, Any]:
        import numpy as np

        values = np.array(self._values)
        table = np.full(256, -1, np.int16)
        table[values] = np.arange(len(values))
        classes = table[pixels]
        if (classes < 0).any():
            row, column = np.argwhere(classes < 0)[0]
            message = f"mask `{file.shown}` has the value {pixels[row, column]} at row {row}, column {column}"
            raise self.problem(message, file, f"`values` names {', '.join(map(str, values.tolist()))}")
        return np.asarray(classes, np.uint8)

    def shape(self, file: PictureFile) -> tuple[int, ...]:
        """Shape of the mask in a file; palettes and grey values are class numbers, colours are refused."""
        height, width, mode, form = self.header(file)
        if mode not in ("1", "L", "P"):
            message = f"mask `{file.shown}` is no grey or palette image but {mode}"
            raise self.problem(message, file, "save class numbers as a grey image (8 bits), or with a palette")
        if form in ("JPEG", "MPO"):
            message = f"mask `{file.shown}` is a JPEG, which changes values"
            raise self.problem(message, file, "save masks as PNG")
        return (*(self._size or (height, width)), 1)
