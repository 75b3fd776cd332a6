"""Config, names and shapes of the weights in a `.keras` file, read without Keras, and without running anything of it.

Such a file is a zip: ``config.json`` lists the layers, ``model.weights.h5`` holds their weights by the layers' classes
(``layers/dense_1/vars/0`` is the second `Dense`, whatever its name).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.components.registry import snake_case

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MAX_CONFIG = 32 * 2**20
MAX_MEMBERS = 10_000
MAX_DEPTH = 100
MAX_VALUES = 3_000_000
# What JSON shrinks to at most: more is a bomb.
MAX_RATIO = 200
# Groups of variables that Keras does not count among a layer's weights.
_NO_WEIGHTS = ("seed_generator",)

Shape = tuple[int, ...]


class Unreadable(Exception):
    """The file is no Keras model, or a damaged one; the message says why."""


class Saved(NamedTuple):
    """A layer of a saved model, and the sorted shapes of its weights."""

    name: str
    shapes: tuple[Shape, ...]


def read_layers(path: Path) -> list[Saved] | None:
    """The layers with weights of a saved model, those of models inside it included.

    Returns:
        None where the file keeps its weights in a way that only Keras reads.

    Raises:
        Unreadable: The file is no `.keras` file, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = config_in(archive, f"`{CONFIG}`")
            info = next((info for info in archive.infolist() if info.filename == WEIGHTS), None)
        if info is None:
            raise Unreadable(f"it holds no `{WEIGHTS}`")
        if info.compress_type != zipfile.ZIP_STORED:
            return None
        return _layers(path, info, config)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise Unreadable("it is no zip archive, as `.keras` files are, or a damaged one") from error


def config_in(archive: zipfile.ZipFile, called: str = "config") -> Any:
    """What a `.keras` file says of its model: JSON of a limited size and depth.

    Args:
        archive: The file.
        called: What a message calls the config.

    Raises:
        Unreadable: There is none, or several, or it is damaged or beyond a limit.
    """
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise Unreadable(f"it has more than {MAX_MEMBERS:,} members")
    configs = [info for info in members if info.filename == CONFIG]
    if len(configs) != 1:
        raise Unreadable(f"it holds {'no' if not configs else 'more than one'} `{CONFIG}`")
    return parsed(_member(archive, configs[0]), called)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, which are not more than its entry says, nor more than a config may have."""
    if info.file_size > MAX_CONFIG:
        raise Unreadable(f"its `{CONFIG}` is larger than {MAX_CONFIG // 2**20} MiB")
    if info.file_size > MAX_RATIO * max(info.compress_size, 1):
        raise Unreadable(f"its `{CONFIG}` is compressed more than {MAX_RATIO} times")
    import zlib

    try:
        with archive.open(info) as stream:
            data = stream.read(MAX_CONFIG + 1)
    except (zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise Unreadable(f"its `{CONFIG}` is damaged") from error
    if len(data) != info.file_size:
        raise Unreadable(f"its `{CONFIG}` has another size than the archive says")
    return data


def parsed(data: bytes, called: str = "config") -> Any:
    """JSON of a limited size and depth.

    Raises:
        Unreadable: It is none, or beyond a limit.
    """
    if len(data) > MAX_CONFIG:
        raise Unreadable(f"its {called} is larger than {MAX_CONFIG // 2**20} MiB")
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"its {called} is no JSON") from error
    level, count = [tree], 0
    for _ in range(MAX_DEPTH):
        level = [item for value in level for item in _inside(value)]
        count += len(level)
        if count > MAX_VALUES:
            raise Unreadable(f"its {called} holds more than {MAX_VALUES:,} values")
        if not level:
            return tree
    raise Unreadable(f"its {called} is nested deeper than {MAX_DEPTH} levels")


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _layers(path: Path, info: zipfile.ZipInfo, config: Any) -> list[Saved]:
    import h5py

    with path.open("rb") as stream:
        member = _Member(stream, info)
        try:
            with h5py.File(member, "r") as weights:
                return list(_of_model(config, weights, ""))
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise Unreadable(f"its `{WEIGHTS}` is damaged") from error


def _of_model(config: Any, weights: Any, path: str) -> Iterator[Saved]:
    """The layers of a functional or sequential model, in the order in which Keras names their groups."""
    listed = _inner(config)
    counts: dict[str, int] = {}
    for layer in listed:
        kind = snake_case(str(layer.get("class_name", "")))
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        group = f"{path}layers/{kind}_{number}" if number else f"{path}layers/{kind}"
        name = str(layer.get("name") or _mapping(layer.get("config")).get("name", ""))
        if _inner(layer):
            yield from _of_model(layer, weights, f"{group}/")
        if group in weights and (shapes := tuple(sorted(_shapes(weights[group])))):
            yield Saved(name, shapes)


def _inner(layer: Any) -> list[Mapping[str, Any]]:
    """The layers inside a layer that is a model."""
    layers = _mapping(_mapping(layer).get("config")).get("layers", ())
    return [item for item in layers if isinstance(item, dict)] if isinstance(layers, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _shapes(group: Any) -> Iterator[Shape]:
    for name, item in group.items():
        if name in _NO_WEIGHTS:
            continue
        if hasattr(item, "shape"):
            yield tuple(int(size) for size in item.shape)
        elif hasattr(item, "items"):
            yield from _shapes(item)


class _Member(io.RawIOBase):
    """A stored member of a zip as a file; `zipfile` would read it anew at each step back."""

    def __init__(self, stream: Any, info: zipfile.ZipInfo) -> None:
        self.stream, self.size, self.position = stream, info.file_size, 0
        stream.seek(info.header_offset)
        header = stream.read(30)
        if len(header) < 30:
            raise Unreadable("it is cut off")
        self.start = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + _short(header, 28)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a place in the member."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        """The place in the member."""
        return self.position

    def readinto(self, buffer: Any) -> int:
        """Reads what follows, at most to the member's end."""
        self.stream.seek(self.start + self.position)
        wanted = max(0, min(len(buffer), self.size - self.position))
        data = self.stream.read(wanted)
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


def _short(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 2], "little")
