"""What answers follow from, as people look at it: sheets of pictures, marked texts, and a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.figures import AskedAnswer, SaliencyFigures
from dlspec.core.documents.report import Picture
from dlspec.views.pages import sheets
from dlspec.views.pages.drawn import FOLDER, write_picture
from dlspec.views.pages.verdict import figure

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SALIENCY: Any = "saliency"
PAGE_FILE, FACTS_FILE = "saliency.html", "saliency.json"
# Where Grad-CAM looks, over a grey picture, and its share there.
_TINT, _MOST = (230, 120, 0), 0.7
_SHADES = 4


def keep_maps(folder: Path, output: str, pictures: Array, pixels: Array, maps: Array | None) -> None:
    """Keeps a sheet with a row for each example: the picture, what the score changes with, and Grad-CAM.

    Args:
        folder: The run folder.
        output: Whose answers follow from them.
        pictures: Shape [examples, height, width] or [examples, height, width, channels].
        pixels: Shape [examples, height, width].
        maps: Of any height and width; None without them.
    """
    import numpy as np
    from PIL import Image

    if not len(pictures):
        return
    size = (pictures.shape[2], pictures.shape[1])
    columns = [sheets.images(pictures), [Image.fromarray(np.uint8(255 * _scaled(values))) for values in pixels]]
    if maps is not None:
        greys = [image.convert("L").convert("RGB") for image in columns[0]]
        columns.append([_tinted(grey, _resized(values, size)) for grey, values in zip(greys, maps, strict=True)])
    tiles = [image.convert("RGB") for row in zip(*columns, strict=True) for image in row]
    write_picture(folder, f"{output}-{SALIENCY}", sheets.sheet(tiles, len(columns), shrink=True))


def _scaled(values: Array) -> Array:
    """From 0 to 1, the largest."""
    most = float(values.max())
    scaled: Array = values / most if most > 0 else values
    return scaled


def _resized(values: Array, size: tuple[int, int]) -> Array:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.float32(_scaled(values))).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)[..., None]


def _tinted(grey: Any, share: Array) -> Any:
    import numpy as np
    from PIL import Image

    mixed = np.asarray(grey) * (1 - _MOST * share) + _MOST * share * np.array(_TINT)
    return Image.fromarray(np.uint8(mixed.round().clip(0, 255)))


def kept_maps(folder: Path, figures: SaliencyFigures) -> Iterator[Picture]:
    """The sheet that :func:`keep_maps` kept, if any."""
    file = f"{FOLDER}/{figures['of']}-{SALIENCY}.png"
    if figures["kind"] == "picture" and (folder / file).is_file():
        yield {"output": figures["of"], "shows": SALIENCY, "epoch": None, "file": file}


def rows(figures: SaliencyFigures) -> dict[str, Any]:
    """The table of the examples, in the order of the sheet."""
    score = "score" if figures["raw"] else "answer as given"
    body = [
        [item["answer"], item["true"] or "–", _right(item), figure(item["score"]), item["where"]]
        for item in figures["examples"]
    ]
    return {"head": ["answered", "true", ("", "whole"), (score, "number"), "place"], "rows": body}


def _right(item: AskedAnswer) -> str:
    return "" if item["right"] is None else "right" if item["right"] else "wrong"


def texts(figures: SaliencyFigures) -> list[list[tuple[str, str, str]]]:
    """Each text as words, with their classes of shade and by how much the score falls without them."""
    return [list(_marked(item)) for item in figures["examples"] if item["words"]]


def _marked(item: AskedAnswer) -> Iterator[tuple[str, str, str]]:
    most = max(abs(word["change"]) for word in item["words"])
    for word in item["words"]:
        shade = round(_SHADES * abs(word["change"]) / most) if most > 0 else 0
        side = "for" if word["change"] > 0 else "against"
        yield word["word"], f"{side}{shade}" if shade else "", f"{word['change']:+.3g}"


def caption(figures: SaliencyFigures) -> str:
    """What the sheet or the texts show, in a sentence."""
    score = "the score of the answer, before softmax or sigmoid," if figures["raw"] else "the answer"
    if figures["kind"] == "text":
        return (
            f"Words without which {score} falls are marked in one colour, those without which it rises in the other; "
            "a word that is pointed at tells by how much."
        )
    bright = f"Beside each picture, the pixels are bright that change {score} most (the gradient)"
    if figures["layer"] is None:
        return f"{bright}."
    return f"{bright}; then the places that speak for it in the layer `{figures['layer']}` (Grad-CAM)."
