"""Generated examples as files: pictures with a sheet of all, sounds, tables, arrays; equal values give equal bytes."""

from __future__ import annotations

import csv
import io
import json
import math
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.feeding.kept import as_given
from dlspec.views.pages import sheets

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FORMS = ("png", "wav", "csv", "jsonl", "npz")
# An output of one or two channels with at least so many steps is taken for a sound.
_SOUND = 1000
# Numbers of an example that a row of a table holds.
_COLUMNS = 256


def form_of(shape: tuple[int, ...]) -> str:
    """The form that suits an output whose examples have this shape."""
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "png"
    if len(shape) == 2 and shape[0] >= _SOUND and shape[1] <= 2:
        return "wav"
    if len(shape) == 2 and min(shape) > 2:
        return "png"
    return "csv" if math.prod(shape) <= _COLUMNS else "jsonl"


def write_examples(folder: Path, outputs: Mapping[str, Array], form: str | None, rate: int) -> dict[str, str]:
    """Writes all outputs into an empty folder.

    Args:
        folder: Where to.
        outputs: By name: arrays of shape [examples, …].
        form: One of `FORMS` for all; what suits each unless given.
        rate: Samples of sounds in a second.

    Returns:
        The form of each output.

    Raises:
        Problem: E524, an output cannot have that form.
    """
    forms = {name: form or form_of(values.shape[1:]) for name, values in outputs.items()}
    for name, values in outputs.items():
        _check(name, values.shape[1:], forms[name])
    for name, values in outputs.items():
        for file, content in _WRITERS[forms[name]](name, values, rate):
            (folder / file).write_bytes(content)
    return forms


def _check(name: str, shape: tuple[int, ...], form: str) -> None:
    """Raises E524 where examples of this shape cannot have that form."""
    fits = {
        "png": len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3, 4)),
        "wav": len(shape) == 1 or (len(shape) == 2 and shape[-1] <= 2),
        "csv": math.prod(shape) <= _COLUMNS,
    }
    if not fits.get(form, True):
        whole = "[" + ", ".join(map(str, shape)) + "]"
        what = {"png": "pictures are [height, width] or [height, width, 1, 3 or 4]",
                "wav": "sounds are [samples], or [samples, 1 or 2]",
                "csv": f"a row of a table holds {_COLUMNS} numbers at most"}[form]  # fmt: skip
        help = f"leave `--as` out (it would be {form_of(shape)}), or write `--as npz`"
        raise Problem("E524", f"`{name}` is {whole}: {what}", help)


def _pictures(name: str, values: Array, rate: int) -> Iterator[tuple[str, bytes]]:
    """A file for each example, and a sheet of all."""
    images = sheets.images(values)
    for number, image in enumerate(images):
        yield f"{name}-{number + 1:04d}.png", sheets.png(image)
    yield f"{name}-sheet.png", sheets.png(sheets.sheet(images))


def _sounds(name: str, values: Array, rate: int) -> Iterator[tuple[str, bytes]]:
    """A file for each example: samples from −1 to 1 in 16 bits."""
    import numpy as np

    for number, sound in enumerate(values):
        samples = sound.reshape(len(sound), -1)
        stream = io.BytesIO()
        with wave.open(stream, "wb") as file:
            file.setnchannels(samples.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((np.nan_to_num(samples).clip(-1, 1) * 32767).round().astype("<i2").tobytes())
        yield f"{name}-{number + 1:04d}.wav", stream.getvalue()


def _table(name: str, values: Array, rate: int) -> Iterator[tuple[str, bytes]]:
    """A row for each example."""
    rows = values.reshape(len(values), -1)
    titles = [name] if rows.shape[1] == 1 else [f"{name} {number}" for number in range(rows.shape[1])]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(zip(*(as_given(column) for column in rows.T), strict=True))
    yield f"{name}.csv", stream.getvalue().encode()


def _lines(name: str, values: Array, rate: int) -> Iterator[tuple[str, bytes]]:
    """A line of JSON for each example; a number that is not finite is null."""
    import numpy as np

    plain: Any = values.astype(object)
    if values.dtype.kind == "f":
        plain[~np.isfinite(values)] = None
    yield f"{name}.jsonl", "".join(json.dumps({name: value.tolist()}) + "\n" for value in plain).encode()


def _arrays(name: str, values: Array, rate: int) -> Iterator[tuple[str, bytes]]:
    import numpy as np

    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: values})
    yield f"{name}.npz", stream.getvalue()


_WRITERS: dict[str, Callable[[str, Array, int], Iterator[tuple[str, bytes]]]] = {
    "png": _pictures, "wav": _sounds, "csv": _table, "jsonl": _lines, "npz": _arrays,
}  # fmt: skip
