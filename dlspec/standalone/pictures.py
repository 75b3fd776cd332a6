"""Images and masks as arrays."""

import io
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps


def decoded(content: bytes, mode: str) -> np.ndarray:
    """The pixels of an encoded image: [height, width, channels]."""
    with Image.open(io.BytesIO(content)) as image:
        image = ImageOps.exif_transpose(image).convert(mode)
    return np.asarray(image, "uint8").reshape(image.height, image.width, -1)


def picture(path: Path, mode: str) -> np.ndarray:
    """The pixels of an image, from 0 to 255: [height, width, channels]."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file).convert(mode)
    return np.asarray(image, "uint8").reshape(image.height, image.width, -1)


def resized_picture(path: Path, size: tuple[int, int], mode: str) -> np.ndarray:
    """The pixels of an image in another size, from 0 to 255: [height, width, channels]."""
    with Image.open(path) as file:
        # JPEG files are decoded at a half or a quarter of their size where that is enough.
        file.draft(None, size if file.getexif().get(ExifTags.Base.Orientation, 1) < 5 else size[::-1])
        image = ImageOps.exif_transpose(file).convert(mode)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image, "uint8").reshape(image.height, image.width, -1)


def mask(path: Path) -> np.ndarray:
    """The value of each pixel: [height, width]."""
    with Image.open(path) as file:
        return np.asarray(ImageOps.exif_transpose(file), "uint8")


def resized_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The value of each pixel in another size, none of which is mixed: [height, width]."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        return np.asarray(image.resize(size, Image.Resampling.NEAREST), "uint8")


def numbered(pixels: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    """The class of each pixel, whose value stands in `values`."""
    classes = np.argsort(values)
    return classes[np.searchsorted(np.sort(values), pixels)].astype("uint8")
