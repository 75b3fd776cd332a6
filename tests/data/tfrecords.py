"""Writes TFRecord files by hand, so that tests of the reader need no TensorFlow."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlspec.data.sources.records import checksum


def varint(value: int) -> bytes:
    """A number of variable length."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def part(number: int, content: bytes) -> bytes:
    """One field of a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def feature(values: Any) -> bytes:
    """A feature of bytes, texts, floats or integers."""
    values = values if isinstance(values, list) else [values]
    if all(isinstance(value, bytes | str) for value in values):
        content = b"".join(part(1, value.encode() if isinstance(value, str) else value) for value in values)
        return part(1, content)
    if all(isinstance(value, float) for value in values):
        return part(2, part(1, struct.pack(f"<{len(values)}f", *values)))
    return part(3, part(1, b"".join(varint(value) for value in values)))


def message(example: Mapping[str, Any]) -> bytes:
    """A ``tf.train.Example``."""
    entries = (part(1, part(1, name.encode()) + part(2, feature(values))) for name, values in example.items())
    return part(1, b"".join(entries))


def record(content: bytes) -> bytes:
    """A record with its checksums."""
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", checksum(length)) + content + struct.pack("<I", checksum(content))


def write_records(path: Path, examples: Iterable[Mapping[str, Any]]) -> Path:
    """Writes a file, compressed where its name ends in ``.gz``."""
    content = b"".join(record(message(example)) for example in examples)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
