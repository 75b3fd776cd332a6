"""Files of TFRecords without TensorFlow: where each record lies, and whether it is whole.

A record is its length (8 bytes), a checksum of these, the data, and a checksum of the data; the checksums are CRC-32C,
turned by 15 bits. https://www.tensorflow.org/tutorials/load_data/tfrecord tells the form.

Read by hand, since of what is installed nothing but TensorFlow reads it, which `check` does not start. Records of
numbers take as long as with protobuf and google-crc32c, records of text 16 times as long: see
docs/decisions/tfrecords.md.
"""

from __future__ import annotations

import gzip
import mmap
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.data.sources.limits import check_memory, check_unfolded

if TYPE_CHECKING:
    import numpy as np

_POLYNOMIAL = 0x82F63B78
_BLOCK = 256
_SLICE = _BLOCK * 1024
_CHUNK = 1 << 24
_FEW = 8
# Times as much as its file takes, no more can be compressed.
_DEFLATED = 1032


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
    starts: np.ndarray[Any, Any]
    sizes: np.ndarray[Any, Any]
    verified: bytearray

    @property
    def content(self) -> np.ndarray[Any, Any]:
        """The file's bytes as an array."""
        import numpy as np

        return np.frombuffer(self.data, np.uint8)

    def alike(self, numbers: np.ndarray[Any, Any], size: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Records that all have one size.

        Returns:
            Their data, bytes of shape [records, size]; and which of them are whole.
        """
        import numpy as np

        windows = np.lib.stride_tricks.sliding_window_view(self.content, size + 4)
        selected = windows[self.starts[numbers]]
        block, verified = selected[:, :size], np.frombuffer(self.verified, bool)
        whole = verified[numbers]
        new = np.flatnonzero(~whole)
        if len(new):
            expected = np.ascontiguousarray(selected[new, size:]).view("<u4")[:, 0]
            good = new[checksums(block[new]) == expected]
            whole[good] = True
            verified[numbers[good]] = True
        return block, whole

    def read(self, number: int) -> bytes:
        """The data of a record.

        Raises:
            BrokenRecord: The checksum differs.
        """
        start, size = int(self.starts[number]), int(self.sizes[number])
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
    import numpy as np

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
    return Records(data, np.array(starts, np.int64), np.array(sizes, np.int64), bytearray(len(starts)))


def _mapped(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


def _unpacked(path: Path, shown: str) -> bytes:
    chunks, size, packed = [], 0, path.stat().st_size
    try:
        claimed = _claimed(path)
        if claimed <= _DEFLATED * packed:  # else the end is damaged, which unpacking tells
            check_unfolded(claimed, packed, f"`{shown}`", shown)
        with gzip.open(path) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                check_memory(size, f"the unpacked `{shown}`", shown)
                check_unfolded(size, packed, f"`{shown}`", shown)
                chunks.append(chunk)
    except (EOFError, zlib.error) as error:
        raise OSError(str(error)) from error
    return b"".join(chunks)


def _claimed(path: Path) -> int:
    """Bytes that a compressed file says it unpacks to, less multiples of 4 GB, which it does not say."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4))
        return int.from_bytes(stream.read(4), "little")


def checksum(data: bytes) -> int:
    """The checksum of TFRecords: CRC-32C, turned by 15 bits and moved by a constant."""
    return int(_masked(crc32c(data)))


def checksums(block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The checksum of each row of bytes."""
    import numpy as np

    if block.shape[1] < 4:
        return np.array([checksum(row.tobytes()) for row in block], np.int64)
    length = max(_BLOCK, -(-block.shape[1] // _BLOCK) * _BLOCK)
    rows = max(1, _SLICE // length)
    pieces = [_by_blocks(block[start : start + rows]) for start in range(0, len(block), rows)]
    return _masked(np.concatenate(pieces)) if pieces else np.empty(0, np.int64)


def _masked(value: Any) -> Any:
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """The CRC-32C checksum (Castagnoli) of some bytes."""
    import numpy as np

    if len(data) >= _BLOCK // 4:
        return int(_by_blocks(np.frombuffer(data, np.uint8)[None])[0])
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _by_blocks(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The CRC of each row, with one lookup for all bytes of many blocks; no row is shorter than 4 bytes."""
    import numpy as np

    # A checksum is linear: it is the sum of what each byte gives at its distance from the end, and zeros give nothing.
    count, size = data.shape
    before = -size % _BLOCK
    padded = np.zeros((count, before + size), np.uint8)
    padded[:, before:] = data
    padded[:, before : before + 4] ^= 0xFF  # what the checksum begins with
    given_by, places, first = _shifted()
    value: Any = np.zeros(count, np.int64) if count > _FEW else [0] * count
    width = max(_BLOCK, _SLICE // count // _BLOCK * _BLOCK)
    for start in range(0, before + size, width):
        blocks = padded[:, start : start + width].reshape(count, -1, _BLOCK)
        given = np.bitwise_xor.reduce(given_by.take(blocks + places), axis=2)
        if count > _FEW:
            value = _joined(value, given.T, np.array(first))
        else:  # numbers of Python's own are faster than arrays of few
            value = [_joined(crc, row, first) for crc, row in zip(value, given.tolist(), strict=True)]
    return np.array(value, np.int64) ^ 0xFFFFFFFF


def _joined(value: Any, given: Any, first: Any) -> Any:
    """Checksum after further blocks, from the one before them, which counts as if added to the first bytes."""
    for block in given:
        for byte in range(4):
            block = block ^ first[byte][value >> 8 * byte & 0xFF]
        value = block
    return value


@cache
def _table() -> tuple[int, ...]:
    """The CRC of each value of a byte, 256 entries."""
    values = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        values.append(value)
    return tuple(values)


@cache
def _shifted() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[list[int]]]:
    """CRC of each byte at each position of a block, as one row; the offsets of positions; and the first four rows."""
    import numpy as np

    table = np.array(_table(), np.uint32)
    rows = [table]
    for _ in range(_BLOCK - 1):
        rows.append(table[rows[-1] & 0xFF] ^ rows[-1] >> 8)
    rows.reverse()
    return np.concatenate(rows), np.arange(_BLOCK, dtype=np.int32) * 256, [row.tolist() for row in rows[:4]]
