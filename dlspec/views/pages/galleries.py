"""The pictures in a run folder as the page's template wants them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dlspec.core.documents.report import Picture

_TITLES = {
    "samples": ("Samples", "for fixed draws"),
    "reconstructions": ("Originals and answers", "what the model gives stands below what it is to be like"),
    "neighbours": ("Nearest neighbours", "an example at the left of the training examples nearest to it"),
    "saliency": (
        "What answers follow from",
        "a row each: the picture, the gradient of the score, Grad-CAM where there is one",
    ),
    "interpolations": ("Ways between draws", "a row each"),
}
# Sheets of colours with more bytes than this are put into the page as photographs.
_LARGE = 200_000


def galleries(folder: Path, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """By output, in their order: a title, the sheets of the kept weights, and those of epochs; files that are gone are
    left out.

    Args:
        folder: The run folder.
        pictures: Those that ``report.json`` names.
    """
    outputs = dict.fromkeys(picture["output"] for picture in pictures)
    listed = []
    for output in outputs:
        own = [picture for picture in pictures if picture["output"] == output]
        sheets = list(_sheets(folder, [picture for picture in own if picture["epoch"] is None]))
        strip = list(_sheets(folder, [picture for picture in own if picture["epoch"] is not None]))
        if sheets or strip:
            listed.append({"title": f"Pictures of {output}", "sheets": sheets, "strip": strip})
    return listed


def _sheets(folder: Path, pictures: Sequence[Picture]) -> Iterator[dict[str, Any]]:
    from PIL import Image

    for picture in pictures:
        title, caption = _TITLES[picture["shows"]]
        try:
            content = (folder / picture["file"]).read_bytes()
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                kind, content = _smaller(image, content)
        except OSError:
            continue
        source = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
        if picture["epoch"] is not None:
            title = f"epoch {picture['epoch']:,}"
        yield {"title": title, "caption": caption, "source": source, "width": width, "height": height}


def _smaller(image: Any, content: bytes) -> tuple[str, bytes]:
    """The picture as a page holds it: as it is, or a large one as a photograph."""
    if len(content) <= _LARGE:
        return "png", content
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return "jpeg", stream.getvalue()
