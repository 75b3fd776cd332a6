"""Files of TFRecords without TensorFlow: where each record lies, and whether it is whole.

A record is its length (8 bytes), a checksum of these, the data, and a checksum of the data; the checksums are CRC-32C,
turned by 15 bits. https://www.tensorflow.org/tutorials/load_data/tfrecord tells the form.
"""

from __future__ import annotations

import gzip
import mmap
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.data.sources.limits import check_memory

if TYPE_CHECKING:
    import numpy as np

_POLYNOMIAL = 0x82F63B78
_BLOCK = 256
_SLICE = _BLOCK * 1024
_CHUNK = 1 << 24


class BrokenRecord(ValueError):
    """A record that is not whole; the message goes on after ``record 3 of `a.tfrecord```.

    Attributes:
        number: Of the record, from 0.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class Records(NamedTuple):
    """The records of one file.

    Attributes:
        data: The file's content, mapped into memory; of a compressed file, what it unpacks to.
        starts: Where the data of each record begin.
        sizes: How many bytes each has.
        verified: For each whether its checksum was compared; once is enough.
    """

    data: bytes | mmap.mmap
    starts: Sequence[int]
    sizes: Sequence[int]
    verified: bytearray

    def read(self, number: int) -> bytes:
        """The data of a record.

        Raises:
            BrokenRecord: The checksum differs.
        """
        start, size = self.starts[number], self.sizes[number]
        content = self.data[start : start + size]
        if not self.verified[number]:
            (expected,) = struct.unpack_from("<I", self.data, start + size)
            if checksum(content) != expected:
                raise BrokenRecord(number, "is damaged: its checksum differs")
            self.verified[number] = True
        return content


def open_records(path: Path, shown: str) -> Records:
    """Finds the records of a file, compressed where its name ends in ``.gz``.

    Raises:
        BrokenRecord: One is cut off, or its length is damaged.
        DataProblem: E609, a compressed file unpacks to more than the memory.
        OSError: The file cannot be read, or is not compressed.
    """
    data = _unpacked(path, shown) if path.suffix == ".gz" else _mapped(path)
    starts: list[int] = []
    sizes: list[int] = []
    position, end = 0, len(data)
    while position < end:
        number = len(starts)
        if position + 12 > end:
            raise BrokenRecord(number, f"is cut off: {end - position} bytes are left for it")
        size, expected = struct.unpack_from("<QI", data, position)
        if checksum(data[position : position + 8]) != expected:
            raise BrokenRecord(number, "has no valid length: the file holds no records, or is damaged")
        position += 12
        if position + size + 4 > end:
            raise BrokenRecord(number, f"is cut off: it claims {size:,} bytes, {max(0, end - position - 4):,} are left")
        starts.append(position)
        sizes.append(size)
        position += size + 4
    return Records(data, starts, sizes, bytearray(len(starts)))


def _mapped(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


def _unpacked(path: Path, shown: str) -> bytes:
    chunks, size = [], 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                check_memory(size, f"the unpacked `{shown}`", shown)
                chunks.append(chunk)
    except (EOFError, zlib.error) as error:
        raise OSError(str(error)) from error
    return b"".join(chunks)


def checksum(data: bytes) -> int:
    """The checksum of TFRecords: CRC-32C, turned by 15 bits and moved by a constant."""
    value = crc32c(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli)."""
    if len(data) >= _BLOCK // 4:
        return _by_blocks(data)
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _by_blocks(data: bytes) -> int:
    """The same with one lookup for all bytes of many blocks."""
    import numpy as np

    # A checksum is linear: it is the sum of what each byte gives at its distance from the end, and zeros give nothing.
    before = -len(data) % _BLOCK
    padded = np.zeros(before + len(data), np.uint8)
    padded[before:] = np.frombuffer(data, np.uint8)
    padded[before : before + 4] ^= 0xFF  # what the checksum begins with
    given_by, places, first = _shifted()
    value = 0
    for start in range(0, len(padded), _SLICE):
        blocks = padded[start : start + _SLICE].reshape(-1, _BLOCK)
        for given in np.bitwise_xor.reduce(given_by.take(blocks + places), axis=1).tolist():
            for place in range(4):  # what came before counts as if it were added to the block's first bytes
                given ^= first[place][value >> 8 * place & 0xFF]
            value = given
    return value ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    """What one byte gives."""
    values = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        values.append(value)
    return tuple(values)


@cache
def _shifted() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[list[int]]]:
    """What each byte gives at each place of a block, as one row; where the places start; and the first four of them."""
    import numpy as np

    table = np.array(_table(), np.uint32)
    rows = [table]
    for _ in range(_BLOCK - 1):
        rows.append(table[rows[-1] & 0xFF] ^ rows[-1] >> 8)
    rows.reverse()
    return np.concatenate(rows), np.arange(_BLOCK, dtype=np.int32) * 256, [row.tolist() for row in rows[:4]]
