"""Small files that claim to be large: refused by `check`, `data` and `predict` before anything is allocated."""

from __future__ import annotations

import gzip
import io
import resource
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from bad_inputs import diagnose
from builders import picture
from numpy.lib import format as npy
from pyarrow import parquet as pq

from dlspec.core.errors import Diagnostic
from dlspec.data.sources import limits, records
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.npz import Npz

SPEC = """\
layers: [flatten, {dense: {units: 1, activation: sigmoid}}]
data: {source: {SOURCE}, inputs: {x: {column: x}}, targets: {y: y}}
train: {loss: bce}
"""


def only(folder: Path, source: str) -> Diagnostic:
    """The one diagnostic, which takes no memory to find."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = diagnose(folder, SPEC.replace("SOURCE", source))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert {one.message for one in found} == {found[0].message}
    return found[0]


def header(shape: tuple[int, ...], dtype: str) -> bytes:
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def archive(folder: Path, head: bytes, zeros: int) -> None:
    """An array that is never in memory as a whole, and targets."""
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        info = zipfile.ZipInfo("x.npy")
        info.compress_type = zipfile.ZIP_DEFLATED
        with packed.open(info, "w", force_zip64=True) as stream:
            stream.write(head)
            for _ in range(zeros >> 20):
                stream.write(bytes(1 << 20))
        packed.writestr("y.npy", header((12,), "|u1") + bytes(range(2)) * 6)


def test_an_array_of_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAMED_FROM", 10 << 20)
    archive(tmp_path, header((12, 1 << 20), "|u1"), 12 << 20)
    found = only(tmp_path, "npz: a.npz")
    assert (found.code, found.message.split(" unfolds")[0]) == ("E609", "array `x` of `a.npz`")
    assert " to 12.6 MB, which no data do" in found.message


def test_arrays_of_zeros_that_are_small_are_data(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((20, 100_000), np.uint8), y=np.arange(20) % 2)
    assert Npz(path="a.npz").open(tmp_path).read(["x"])["x"].shape == (20, 100_000)


def test_a_header_of_gigabytes(tmp_path: Path) -> None:
    archive(tmp_path, npy.magic(2, 0) + struct.pack("<I", 3 << 30), 2 << 20)
    found = only(tmp_path, "npz: a.npz")
    assert (found.code, found.message) == (
        "E608",
        "array `x` of `a.npz` is damaged: its header claims 3,221,225,472 bytes",
    )


@pytest.mark.parametrize("honest", [True, False])
def test_compressed_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, honest: bool) -> None:
    """The size is in the file's end, but an end may lie."""
    monkeypatch.setattr(limits, "STREAMED_FROM", 20 << 20)
    content = bytearray(gzip.compress(bytes(40 << 20), 9))
    if not honest:
        content[-4:] = bytes(4)
    (tmp_path / "a.tfrecord.gz").write_bytes(content)
    monkeypatch.setattr(records, "_CHUNK", 1 << 20)
    with pytest.raises(DataProblem, match=r"`a\.tfrecord\.gz` unfolds from .* to .* MB, which no data do"):
        records.open_records(tmp_path / "a.tfrecord.gz", "a.tfrecord.gz")


def test_a_parquet_file_of_one_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAMED_FROM", 20 << 20)
    one = pa.array(np.zeros(1 << 20))
    whole = pa.table({name: pa.chunked_array([one] * 4) for name in "xy"})
    pq.write_table(whole, tmp_path / "a.parquet", compression="zstd")
    del whole
    assert (tmp_path / "a.parquet").stat().st_size < 100_000
    found = only(tmp_path, "parquet: a.parquet")
    assert (found.code, found.message.split(" from")[0]) == ("E609", "`a.parquet` unfolds")
    assert " to 67.1 MB, " in found.message


def test_an_image_of_giga_pixels(tmp_path: Path) -> None:
    picture(tmp_path / "photos/cat/a.png")
    path = picture(tmp_path / "photos/dog/b.png")
    content = path.read_bytes()
    head = b"IHDR" + struct.pack(">II", 60_000, 60_000) + content[24:29]
    path.write_bytes(content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:])
    text = SPEC.replace("SOURCE", "image_folder: {path: photos, size: [8, 8]}")
    found, *_ = diagnose(tmp_path, text.replace("column: x", "column: image").replace("y: y", "y: label"))
    assert (found.code, found.message) == ("E608", "image `photos/dog/b.png` claims more than 89,478,485 pixels")


def test_sounds_of_an_hour_at_a_giant_rate(tmp_path: Path) -> None:
    from scipy.io import wavfile

    for kind in "ab":
        (tmp_path / "sounds" / kind).mkdir(parents=True)
        wavfile.write(tmp_path / "sounds" / kind / "0.wav", 2_000_000_000, np.zeros(50, np.int16))
    text = SPEC.replace("SOURCE", "audio_folder: {path: sounds, seconds: 3600}")
    found, *_ = diagnose(tmp_path, text.replace("column: x", "column: audio").replace("y: y", "y: label"))
    assert (found.code, found.message.split(",")[0]) == ("E609", "a sound of 7")
