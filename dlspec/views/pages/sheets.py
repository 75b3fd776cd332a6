"""Many pictures as one: a sheet of tiles in rows."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlspec.views.pages.pictures import to_bytes

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Array = np.ndarray[Any, Any]

TILE, _GAP = 96, 6


def images(values: Array) -> list[Image.Image]:
    """Each example of an array [examples, height, width] or [examples, height, width, channels] as a picture."""
    from PIL import Image

    low, high = _range(values)
    pixels = (to_bytes(image, low, high) for image in values)
    return [Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in pixels]


def _range(values: Array) -> tuple[float, float]:
    """Values of black and white: 0 to 1, −1 to 1 or 0 to 255, if that holds all values; else their own range."""
    least, most = float(values.min()), float(values.max())
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if low <= least and most <= high:
            return low, high
    return least, most


def sheet(
    tiles: Sequence[Image.Image], columns: int | None = None, tile: int = TILE, *, shrink: bool = False
) -> Image.Image:
    """All pictures in rows; small ones are enlarged without blur.

    Args:
        tiles: Pictures of one size.
        columns: How many stand in a row; as many as there are rows unless given.
        tile: Pixels that the longer side of each has at least half of, and at most where it is enlarged.
        shrink: Whether larger ones are reduced to `tile`.
    """
    from PIL import Image

    columns = columns or math.ceil(math.sqrt(len(tiles)))
    longer = max(tiles[0].size)
    scale = tile / longer if shrink and longer > tile else max(1, tile // longer)
    sides = [max(1, round(side * scale)) for side in tiles[0].size]
    width, height = (side + _GAP for side in sides)
    canvas = Image.new("RGB", (_GAP + columns * width, _GAP + -(-len(tiles) // columns) * height), "white")
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    for number, picture in enumerate(tiles):
        image = picture.convert("RGB").resize((sides[0], sides[1]), how)
        canvas.paste(image, (_GAP + number % columns * width, _GAP + number // columns * height))
    return canvas


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file; equal pictures give equal bytes."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
