"""WAV files: what their headers say, and their samples as numbers from -1 to 1."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# Chunks before the samples: a handful in any real file.
_MAX_CHUNKS = 100


class BrokenWav(ValueError):
    """A file that is no whole WAV file; the message goes on after the file's name."""


class Wav(NamedTuple):
    """The header of a WAV file.

    Attributes:
        rate: Samples per second.
        kind: ``int`` or ``float``.
        bits: Per sample.
        start: Byte at which the samples begin.
        frames: Samples of each channel.
    """

    rate: int
    channels: int
    kind: str
    bits: int
    start: int
    frames: int


def read_header(path: Path) -> Wav:
    """Reads a header; the samples it claims are there.

    Raises:
        BrokenWav: It is not, or holds no samples, or samples that are compressed.
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        size_on_disk = path.stat().st_size
        if not size_on_disk:
            raise BrokenWav("is empty")
        riff = stream.read(12)
        if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            raise BrokenWav("is no WAV file")
        layout, size = _to_samples(stream)
        return _checked(layout, stream.tell(), size, size_on_disk)


def _to_samples(stream: IO[bytes]) -> tuple[bytes, int]:
    """Walks to the samples; returns the format's chunk and the bytes that the samples are said to take."""
    layout = b""
    for _ in range(_MAX_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return layout, size
        if name == b"fmt ":
            layout = stream.read(min(size, 64))
            stream.seek(max(0, size - 64) + size % 2, 1)
        else:
            stream.seek(size + size % 2, 1)
    raise BrokenWav("is cut off: it holds no samples")


def _checked(layout: bytes, start: int, size: int, size_on_disk: int) -> Wav:
    if len(layout) < 16:
        raise BrokenWav("has samples of an unknown form")
    form, channels, rate, _, block, bits = struct.unpack("<HHIIHH", layout[:16])
    if form == _EXTENSIBLE and len(layout) >= 26:
        form = struct.unpack("<H", layout[24:26])[0]
    kinds = {_PCM: ("int", (8, 16, 24, 32)), _FLOAT: ("float", (32, 64))}
    kind, widths = kinds.get(form, ("", ()))
    if bits not in widths:
        raise BrokenWav(f"holds samples of form {form} with {bits} bits, expected PCM with 8, 16, 24 or 32")
    if not rate or not channels or block != channels * bits // 8:
        raise BrokenWav(f"claims {channels} channels at {rate} samples per second in blocks of {block} bytes")
    if start + size > size_on_disk:
        raise BrokenWav(f"is cut off: it claims {size:,} bytes of samples and has {size_on_disk - start:,}")
    if size < block:
        raise BrokenWav("holds no samples")
    return Wav(rate, channels, kind, bits, start, size // block)


def read_samples(path: str, wav: Wav, into: np.ndarray[Any, Any]) -> None:
    """Writes the first samples of a file, from -1 to 1, as far as there are any.

    Args:
        into: float32 [frames, channels]; one channel is the mean of those of the file.

    Raises:
        BrokenWav: The file is shorter than its header was.
        OSError: It cannot be read.
    """
    frames = min(len(into), wav.frames)
    size = frames * wav.channels * wav.bits // 8
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a `Path` takes as long to make as to open
        stream.seek(wav.start)
        raw = stream.read(size)
    if len(raw) != size:
        raise BrokenWav("is cut off since it was first read")
    values = _numbers(raw, wav).reshape(frames, wav.channels)
    scale = _SCALES.get((wav.kind, wav.bits), 1.0)
    if wav.channels == 1 and wav.kind == "int":  # exact in either order: it is a power of two
        into[:frames] = values
        into[:frames] *= scale
    else:
        samples = (values * scale).astype("f4")
        into[:frames] = samples.mean(axis=1, keepdims=True) if into.shape[1] == 1 else samples


# What a sample is multiplied by; 24 bits are read as the upper ones of 32.
_SCALES = {("int", 8): 2.0**-7, ("int", 16): 2.0**-15, ("int", 24): 2.0**-31, ("int", 32): 2.0**-31}


def _numbers(raw: bytes, wav: Wav) -> np.ndarray[Any, Any]:
    """The samples as they stand in the file, one after the other, around 0."""
    import numpy as np

    width = wav.bits // 8
    if wav.kind == "float":
        return np.frombuffer(raw, f"<f{width}")
    if width == 1:  # the one width without a sign
        centred: np.ndarray[Any, Any] = np.frombuffer(raw, np.uint8).astype(np.int16) - np.int16(128)
        return centred
    if width == 3:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        whole: np.ndarray[Any, Any] = wide.view("<i4")[:, 0]
        return whole
    return np.frombuffer(raw, f"<i{width}")
