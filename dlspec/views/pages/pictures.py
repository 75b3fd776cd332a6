"""Arrays as small pictures that a page can hold."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_LARGEST_SIDE = 112
# Told apart also by those who do not see all colours (Okabe and Ito), then by brightness.
PALETTE = (
    (0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167), (160, 160, 160), (90, 60, 20), (120, 200, 120), (220, 170, 220),
)  # fmt: skip


def picture(values: Array, low: float | None = None, high: float | None = None) -> str:
    """An array [height, width] or [height, width, channels] as a data URI; numbers from `low` to `high` fill the range.

    Args:
        values: The array; without bounds its own least and greatest number are taken.
    """
    return _encode(to_bytes(values, low, high))


def to_bytes(values: Array, low: float | None = None, high: float | None = None) -> Array:
    """The array as bytes [height, width, 1, 3 or 4]."""
    import numpy as np

    pixels = np.nan_to_num(values.astype(np.float64))
    low = float(pixels.min()) if low is None else low
    high = float(pixels.max()) if high is None else high
    scaled = (pixels - low) / (high - low) if high > low else np.zeros_like(pixels)
    shown: Array = (255 * scaled.clip(0, 1)).round().astype(np.uint8)
    return shown if shown.ndim == 3 else shown[..., None]


def overlay(values: Array | None, labels: Array, ignored: int | None = None) -> str:
    """Classes as colours, over the picture they belong to where there is one of their size."""
    import numpy as np

    palette = np.array(PALETTE, np.uint8)
    colours = palette[np.where(labels < 0, 0, labels) % len(PALETTE)]
    if values is not None and values.shape[:2] == labels.shape:
        grey = to_bytes(values)[..., :3].mean(axis=-1, keepdims=True)
        mixed = np.where(labels[..., None] > 0, 0.45 * grey + 0.55 * colours, 0.85 * grey)
    else:
        mixed = colours.astype(float)
    if ignored is not None:
        mixed[labels == ignored] = 128
    return _encode(mixed.astype(np.uint8))


def colour(number: int) -> str:
    """The colour of a class, for a legend."""
    red, green, blue = PALETTE[number % len(PALETTE)]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _encode(pixels: Array) -> str:
    """PNG where it is small or must be exact, JPEG for photographs."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    photograph = max(image.size) > 48 and image.mode == "RGB"
    stream = io.BytesIO()
    if photograph:
        image.save(stream, "JPEG", quality=85)
    else:
        image.save(stream, "PNG", optimize=True)
    kind = "jpeg" if photograph else "png"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
