"""The source that reads somebody's data, with the options that their content asks for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.sources.audio_folder import AudioFolder
from dlspec.data.sources.base import Source, Table
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.excel import Excel
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.data.sources.image_masks import ImageMasks
from dlspec.data.sources.json_lines import JsonLines
from dlspec.data.sources.npz import Npz
from dlspec.data.sources.parquet import Parquet
from dlspec.data.sources.pictures import SUFFIXES, PictureFile, Pictures
from dlspec.data.sources.text_folder import TextFolder
from dlspec.data.sources.text_lines import TextLines
from dlspec.data.sources.wav import BrokenWav, read_header
from dlspec.drafting.dialect import columns_of_lines, grouped_numbers, layout, numbers_in_words
from dlspec.standalone.files import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Endings of files other than CSV.
_PARQUET = (".parquet", ".pq")
_JSON_LINES = re.compile(r"\.(?:jsonl|ndjson)(?:\.(?:gz|zst|bz2))?\Z", re.IGNORECASE)
# Files of a folder that are looked at, for what they are and how large.
_FILES = 2000
# Sides that images are brought to where they differ.
_SIDE = 96
# A folder of this name beside one of images holds their masks.
_MASKS = re.compile(r"mask|label|annot|segment|target", re.IGNORECASE)


def opened(path: str, folder: Path, classes: str = "") -> tuple[Source, Table]:
    """The source that reads a file or a folder, and the table that it reads.

    Args:
        path: The data, from `folder`.
        folder: The folder of the spec.
        classes: A second file, whose lines say what each line of text is; "" for none.

    Raises:
        Problem: E601 there is no such file, E608 it is broken, E606 a folder holds nothing that could be read.
    """
    if (folder / path).is_dir():
        source = _of_folder(path, folder)
    elif classes:
        source = TextLines(path=(path, classes))
    elif _JSON_LINES.search(path):
        source = JsonLines(path=path)
    elif path.lower().endswith(_PARQUET):
        source = Parquet(path=path)
    elif path.lower().endswith(Excel.suffixes):
        source = Excel(path=path)
    elif path.lower().endswith(Npz.suffixes):
        source = Npz(path=path)
    else:
        lines = columns_of_lines(folder / path) if path.lower().endswith(".txt") else None
        if lines is None:
            return _csv(path, folder)
        source = TextLines(path=(path,), **lines)
    return source, source.open(folder)


def _csv(path: str, folder: Path) -> tuple[Source, Table]:
    """Source and table of a CSV file, read again with options where its words turn out to be numbers."""
    options: dict[str, Any] = {"path": path, **layout(folder / path)}
    source = Csv(**options)
    table = source.open(folder)
    texts = _text_columns(table)
    number_options = numbers_in_words(texts, source.usual_gaps)
    if number_options:
        source = Csv(**options, **number_options)
        table = source.open(folder)
    if "decimal" in number_options:
        # With points for decimals, `1.200` was a number; with commas it is one of thousands.
        grouped = grouped_numbers(
            {name: column for name, column in _text_columns(table).items() if name not in texts}, ()
        )
        number_options["numbers"] = [*number_options.get("numbers", ()), *grouped]
        source = Csv(**options, **{name: value for name, value in number_options.items() if value})
        table = source.open(folder) if grouped else table
    return source, table


def _text_columns(table: Table) -> dict[str, Any]:
    """The columns of text: arrays of words."""
    return {name: table.read([name])[name] for name, column in table.columns.items() if column.text}


# --- folders --------------------------------------------------------------------------------------------------------


def _of_folder(path: str, folder: Path) -> Source:
    """By what most of its files are: images, sounds or texts."""
    files = list(_some(_files(folder / path)))
    kinds = Counter(kind for file in files for kind in _KINDS if file.suffix.lower() in _KINDS[kind][0])
    if not kinds:
        help = "images (`.png`, `.jpg`, …), sounds (`.wav`) and texts (`.txt`) are read"
        raise Problem("E606", f"`{path}` holds no files that could be examples", help)
    suffixes, make = _KINDS[kinds.most_common(1)[0][0]]
    return make(path, folder, [file for file in files if file.suffix.lower() in suffixes])


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder, in the order of their paths; hidden ones are none."""
    for entry in sorted(folder.iterdir()):
        if hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


def _some(files: Iterator[Path]) -> Sequence[Path]:
    """At most 2,000 of many files, spread over all of them."""
    listed = list(files)
    return listed[:: max(1, -(-len(listed) // _FILES))]


def _images(path: str, folder: Path, files: Sequence[Path]) -> Source:
    pair = _with_masks(folder / path)
    if pair is not None:
        images, masks = (f"{path}/{name}" for name in pair)
        return _masked(images, masks, folder, [file for file in files if pair[0] in file.relative_to(folder).parts])
    return ImageFolder(path=path, **_one_size(files))


def _one_size(files: Sequence[Path]) -> dict[str, Any]:
    """`size` and `channels`, where images differ in them."""
    pictures = Pictures([PictureFile(file, file.name, file.name) for file in files], None, None, "path")
    shapes = {_shape_or_none(pictures, file) for file in pictures.files} - {None}
    sizes, channels = ({shape[part] for shape in shapes if shape} for part in (slice(2), slice(2, 3)))
    options: dict[str, Any] = {"size": (_SIDE, _SIDE)} if len(sizes) > 1 or _large(sizes) else {}
    return options | ({"channels": 3} if len(channels) > 1 else {})


def _large(sizes: set[tuple[int, ...]]) -> bool:
    """Whether images are larger than a first network should take."""
    return any(max(size) > 2 * _SIDE for size in sizes)


def _shape_or_none(pictures: Pictures, file: PictureFile) -> tuple[int, ...] | None:
    try:
        return pictures.shape(file)
    except Problem:
        return None  # the source says what is wrong


def _with_masks(folder: Path) -> tuple[str, str] | None:
    """The folders of images and of their masks, where a folder holds these two."""
    inside = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not hidden(entry.name))
    masks = [name for name in inside if _MASKS.search(name)]
    if len(inside) != 2 or len(masks) != 1:
        return None
    images = next(name for name in inside if name not in masks)
    return images, masks[0]


def _masked(images: str, masks: str, folder: Path, files: Sequence[Path]) -> Source:
    """Images with masks, whose values are named where they are not the numbers of classes."""
    options = {"images": images, "masks": masks, **_one_size(files)}
    values = ImageMasks(**options).open(folder).labels("mask").values
    return ImageMasks(**options) if values == tuple(range(len(values))) else ImageMasks(**options, values=values)


def _sounds(path: str, _folder: Path, files: Sequence[Path]) -> Source:
    """Sounds; of different lengths, as long as all but a few."""
    seconds = sorted(seconds for seconds in map(_seconds, files) if seconds)
    if not seconds or seconds[0] == seconds[-1]:
        return AudioFolder(path=path)
    return AudioFolder(path=path, seconds=round(seconds[int(0.9 * (len(seconds) - 1))], 3))


def _seconds(file: Path) -> float:
    try:
        header = read_header(file)
    except (BrokenWav, OSError):
        return 0.0  # the source says what is wrong
    return header.frames / header.rate


def _texts(path: str, _folder: Path, _files: Sequence[Path]) -> Source:
    return TextFolder(path=path)


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[str, Path, Sequence[Path]], Source]]] = {
    "images": (SUFFIXES, _images),
    "sounds": ((".wav",), _sounds),
    "texts": ((".txt",), _texts),
}
