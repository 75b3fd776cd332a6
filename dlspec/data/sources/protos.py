"""Reads ``tf.train.Example`` messages without TensorFlow: lists of bytes, floats or integers by name.

It also tells where in a message values stand, which protobuf does not: by that, records that are laid out alike are
read many at a time (:mod:`dlspec.data.sources.layouts`). What that saves is in docs/decisions/tfrecords.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Wire types of protocol buffers.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_BROKEN = "is no tf.train.Example"

Kind = Literal["bytes", "floats", "integers", "nothing"]
_KINDS: dict[int, Kind] = {1: "bytes", 2: "floats", 3: "integers"}


class Feature(NamedTuple):
    """One feature.

    Attributes:
        kind: What it holds.
        values: A list of bytes, or an array of float32 or int64.
    """

    kind: Kind
    values: list[bytes] | Array


class Span(NamedTuple):
    """Byte positions of a feature in its message.

    Attributes:
        start: Where all that tells of its values begins.
        end: Where that ends.
        pieces: Beginning and end of each piece of values: of every bytes, of every run of numbers.
    """

    kind: Kind
    start: int
    end: int
    pieces: tuple[tuple[int, int], ...]


def read_example(message: bytes, names: Collection[str]) -> dict[str, Feature]:
    """The features `names` of an example, those that it has.

    Raises:
        ValueError: It is no such message.
    """
    return {name: _feature(message, span) for name, span in spans(message, names).items()}


def feature_names(message: bytes) -> list[str]:
    """The names of all features of an example. Raises ValueError like :func:`read_example`."""
    return sorted(name for name, _, _ in _entries(message))


def spans(message: bytes, names: Collection[str] | None = None) -> dict[str, Span]:
    """Byte positions of the features `names` (all unless given) in a message. Raises ValueError likewise."""
    return {
        name: _span(message, start, end)
        for name, start, end in _entries(message)
        if names is None or name in names
    }  # fmt: skip


def varints(packed: Array) -> Array:
    """Numbers of variable length that stand one after the other in bytes, as int64.

    Raises:
        ValueError: The last one goes on behind the end, or one is too long.
    """
    import numpy as np

    last = packed < 0x80
    if last.all():
        return packed.astype(np.int64)
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if not last[-1] or (ends - starts >= 10).any():
        raise ValueError(_BROKEN)
    places = np.arange(len(packed)) - np.repeat(starts, ends - starts + 1)
    digits = (packed & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    values: Array = np.add.reduceat(digits, starts).astype(np.int64)
    return values


def _entries(message: bytes) -> Iterator[tuple[str, int, int]]:
    """Every feature's name, and where what it holds begins and ends."""
    for _, first, last in _fields(message, 0, len(message), 1):
        for _, start, end in _fields(message, first, last, 1):
            name, value = "", (end, end)
            for number, *span in _fields(message, start, end, 1, 2):
                if number == 1:
                    name = message[span[0] : span[1]].decode("utf-8")
                else:
                    value = (span[0], span[1])
            yield name, *value


def _span(message: bytes, start: int, end: int) -> Span:
    for number, first, last in _fields(message, start, end, *_KINDS):
        wanted = (1,) if number == 1 else ()
        pieces = tuple((begin, stop) for _, begin, stop in _fields(message, first, last, *wanted))
        return Span(_KINDS[number], start, end, pieces)
    return Span("nothing", start, end, ())


def _feature(message: bytes, span: Span) -> Feature:
    import numpy as np

    pieces = [message[start:end] for start, end in span.pieces]
    if span.kind == "floats":
        return Feature(span.kind, np.frombuffer(b"".join(pieces), "<f4"))
    if span.kind == "integers":
        return Feature(span.kind, varints(np.frombuffer(b"".join(pieces), np.uint8)))
    return Feature(span.kind, pieces)


def _fields(message: bytes, position: int, end: int, *wanted: int) -> Iterator[tuple[int, int, int]]:
    """Number, beginning and end of the fields in a part of a message, of those numbered `wanted` where any are.

    A number alone is where the bytes stand that it is written in.
    """
    while position < end:
        key, position = _varint(message, position, end)
        kind = key & 7
        if kind == _LENGTH:
            size, position = _varint(message, position, end)
        elif kind == _VARINT:
            size = _varint(message, position, end)[1] - position
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or position + size > end:
            raise ValueError(_BROKEN)
        if not wanted or key >> 3 in wanted:
            yield key >> 3, position, position + size
        position += size


def _varint(message: bytes, position: int, end: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = 0
    for index in range(min(10, end - position)):
        byte = message[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise ValueError(_BROKEN)
