"""The members of a `.keras` file, which is a zip, and the config in it: read without Keras, and nothing of it runs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MAX_CONFIG = 32 * 2**20
MAX_MEMBERS = 10_000
MAX_DEPTH = 100
MAX_VALUES = 3_000_000
# What JSON shrinks to at most: more is a bomb.
MAX_RATIO = 200

Shape = tuple[int, ...]


class Unreadable(Exception):
    """The file is no Keras model, or a damaged one; the message says why."""


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


def inner_layers(layer: Any) -> list[Mapping[str, Any]]:
    """The layers inside a layer that is a model."""
    layers = _mapping(_mapping(layer).get("config")).get("layers", ())
    return [item for item in layers if isinstance(item, dict)] if isinstance(layers, list) else []


def layer_name(layer: Any) -> str:
    """The name of a layer in a config."""
    return str(_mapping(layer).get("name") or _mapping(_mapping(layer).get("config")).get("name", ""))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


class Member(io.RawIOBase):
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
