"""A picture sheet: some training images of every class, with their labels, or beside their masks; drawn by Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.files import write_atomically
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.weights import classes_of
from dlspec.data.order.splits import choose
from dlspec.data.preview.summary import class_names

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Array = np.ndarray[Any, Any]

_TILE, _LABEL, _GAP = 96, 16, 6
_COLUMNS, _CLASSES, _PLAIN = 8, 12, 40


def write_sheet(data: Data, binding: Binding, path: Path) -> None:
    """Writes the sheet of the first input of images.

    Raises:
        Problem: E605, no input takes images.
        OSError: The file cannot be written.
    """
    column = next((input_.columns[0] for input_ in binding.inputs if _is_image(input_.tensor.shape)), None)
    if column is None:
        raise Problem("E605", "no input takes images: there is nothing to draw", "leave `--sheet` out")
    train = choose(data, binding.table, binding.count, binding.dropped()).train
    mask = next((output for output in binding.outputs if output.labelled and len(output.tensor.shape) >= 2), None)
    sheet = _draw(binding, column, _rows(binding, train), None if mask is None else mask.columns[0])
    write_atomically(path, lambda file: sheet.save(file, format="PNG"))


def _is_image(shape: tuple[int | None, ...]) -> bool:
    return len(shape) == 3 and shape[-1] in (1, 3, 4)


def _rows(binding: Binding, train: Array) -> list[tuple[str, Array]]:
    """The label of each row, and the examples in it."""
    import numpy as np

    output = next(
        (candidate for candidate in binding.outputs if candidate.labelled and len(candidate.tensor.shape) < 2), None
    )
    if output is None:
        masked = any(candidate.labelled for candidate in binding.outputs)
        several = _COLUMNS // 2 if masked else _COLUMNS  # each mask takes a place beside its image
        chosen = train[: _PLAIN // _COLUMNS * several]
        label = "images and masks" if masked else ""
        return [(label, chosen[start : start + several]) for start in range(0, len(chosen), several)]
    classes = classes_of(output, binding.table, train).reshape(len(train))
    names = class_names(output, int(classes.max()) + 1)
    return [(names[number], train[classes == number][:_COLUMNS]) for number in np.unique(classes)[:_CLASSES]]


def _draw(binding: Binding, column: str, rows: list[tuple[str, Array]], mask: str | None) -> Image.Image:
    from PIL import Image, ImageDraw

    step = _TILE + _GAP, _TILE + _LABEL + _GAP
    sheet = Image.new("RGB", (_GAP + _COLUMNS * step[0], _GAP + len(rows) * step[1]), "white")
    pen = ImageDraw.Draw(sheet)
    for line, (label, numbers) in enumerate(rows):
        pen.text((_GAP, _GAP + line * step[1]), label, fill="black")
        for position, tile in enumerate(_tiles(binding, column, numbers, mask)):
            tile.thumbnail((_TILE, _TILE))
            sheet.paste(tile, (_GAP + position * step[0], _GAP + _LABEL + line * step[1]))
    return sheet


def _tiles(binding: Binding, column: str, numbers: Array, mask: str | None) -> Iterator[Image.Image]:
    """The images of some examples, each before its mask where there is one: its classes from black to white."""
    arrays = binding.table.take([column, *([mask] if mask is not None else [])], numbers)
    for row, values in enumerate(arrays[column]):
        yield _tile(values)
        if mask is not None:
            yield _tile(arrays[mask][row].astype("float64"))


def _tile(values: Array) -> Image.Image:
    """One image; numbers other than bytes are spread from black to white."""
    import numpy as np
    from PIL import Image

    if values.dtype != np.uint8:
        low, high = float(values.min()), float(values.max())
        values = ((values - low) * (255 / (high - low or 1))).astype(np.uint8)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    image = Image.fromarray(values).convert("RGB")
    scale = max(1, _TILE // max(image.size))  # small images are enlarged without blur
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
