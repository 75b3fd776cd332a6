"""Reads ``tf.train.Example`` messages without TensorFlow: lists of bytes, floats or integers by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

# Wire types of protocol buffers.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


class Feature(NamedTuple):
    """One feature.

    Attributes:
        kind: What it holds.
        values: A list of bytes, or an array of float32 or int64.
    """

    kind: Literal["bytes", "floats", "integers", "nothing"]
    values: list[bytes] | np.ndarray[Any, Any]


def read_example(message: bytes, names: Collection[str]) -> dict[str, Feature]:
    """The features `names` of an example, those that it has.

    Raises:
        ValueError: It is no such message.
    """
    found: dict[str, Feature] = {}
    for _, features in _parts(message, 1):
        for _, entry in _parts(features, 1):
            name, value = "", b""
            for number, part in _parts(entry, 1, 2):
                if number == 1:
                    name = part.decode("utf-8")
                else:
                    value = part
            if name in names:
                found[name] = _feature(value)
    return found


def feature_names(message: bytes) -> list[str]:
    """The names of all features of an example. Raises ValueError like :func:`read_example`."""
    entries = (entry for _, features in _parts(message, 1) for _, entry in _parts(features, 1))
    return sorted(part.decode("utf-8") for entry in entries for _, part in _parts(entry, 1))


def _feature(message: bytes) -> Feature:
    import numpy as np

    for number, values in _parts(message, 1, 2, 3):
        if number == 1:
            return Feature("bytes", [value for _, value in _parts(values, 1)])
        lists = [value for _, value in _fields(values)]
        if number == 2:
            return Feature("floats", np.frombuffer(b"".join(lists), "<f4"))
        return Feature("integers", _integers(b"".join(lists)))
    return Feature("nothing", [])


def _parts(message: bytes, *wanted: int) -> Iterator[tuple[int, bytes]]:
    """Number and content of those fields of a message that have one of the numbers `wanted`."""
    return ((number, value) for number, value in _fields(message) if number in wanted)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of every field; a number alone keeps the bytes that it is written in."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _LENGTH:
            size, position = _varint(message, position)
        elif kind == _VARINT:
            size = _varint(message, position)[1] - position
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or position + size > end:
            raise ValueError("is no tf.train.Example")
        yield key >> 3, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = 0
    for place in range(10):
        if position + place >= len(message):
            break
        byte = message[position + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, position + place + 1
    raise ValueError("is no tf.train.Example")


def _integers(packed: bytes) -> np.ndarray[Any, Any]:
    """Numbers of variable length, one after the other."""
    import numpy as np

    single = np.frombuffer(packed, np.uint8)
    if (single < 0x80).all():
        return single.astype(np.int64)
    values, position = [], 0
    while position < len(packed):
        value, position = _varint(packed, position)
        values.append(value)
    return np.array(values, np.uint64).astype(np.int64)
