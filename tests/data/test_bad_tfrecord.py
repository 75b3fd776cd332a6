"""Bad TFRecord files: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from PIL import Image
from tfrecords import message, record, write_records

from dlspec.core.errors import Problem
from dlspec.data.sources.records import checksum, crc32c
from dlspec.data.sources.tfrecord import RecordFeature, Tfrecord

SPEC = """\
inputs: {x: [3]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {tfrecord: {path: a.tfrecord, features: {x: {shape: [3]}, y: int64}}}
  inputs: {x: {column: x}}
  targets: {y: y}
train: {loss: sparse_categorical_crossentropy}
"""
EXAMPLES = [{"x": [float(i), 1.0, 2.0], "y": i % 2, "word": "Straße"} for i in range(4)]


def good(folder: Path) -> None:
    write_records(folder / "a.tfrecord", EXAMPLES)


def second(**changed: Any) -> Callable[[Path], Any]:
    """Changes features of record 1; None takes one away."""
    example = {name: value for name, value in (EXAMPLES[1] | changed).items() if value is not None}
    return lambda folder: write_records(folder / "a.tfrecord", [EXAMPLES[0], example, *EXAMPLES[2:]])


def put(content: bytes, name: str = "a.tfrecord") -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(content)


def flip(folder: Path) -> None:
    whole = bytearray((folder / "a.tfrecord").read_bytes())
    whole[40] ^= 1
    (folder / "a.tfrecord").write_bytes(whole)


def drawn(size: int) -> bytes:
    """A PNG file of random pixels."""
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def pictures(second: bytes) -> Callable[[Path], Any]:
    """Records with images."""
    images = [drawn(8), second, drawn(8)]
    return lambda folder: write_records(
        folder / "a.tfrecord", [{"x": image, "y": number % 2} for number, image in enumerate(images)]
    )


PICTURES = (
    ("x: {shape: [3]}", "x: {dtype: uint8, shape: [8, 8, 3], decode: image}"),
    ("inputs: {x: [3]}\nlayers:", "inputs: {x: [8, 8, 3]}\nlayers:\n  - flatten"),
)
CUT = b"".join(record(message(example)) for example in EXAMPLES)
CLAIM = struct.pack("<Q", 10**15)
WORD = (("x: {shape: [3]}", "x: {shape: [3]}, word: int64"), ("column: x", "column: word"))


@cases(
    Bad("missing file", "E601", "there is no file `b.tfrecord`", "b.tfrecord", replace=(("a.tfr", "b.tfr"),)),
    Bad("no match", "E601", "no file matches `b-*.tfrecord`", "b-*.tfrecord", replace=(("a.tfr", "b-*.tfr"),)),
    Bad("outside", "E108", "`../a.tfrecord` leads out of the spec's folder", "../a.tfrecord",
        replace=(("a.tfr", "../a.tfr"),)),
    Bad("missing column", "E602", "the source has no column `z`", "z", replace=(("{y: y}", "{y: z}"),)),
    Bad("empty file", "E608", "`a.tfrecord` holds no records", "a.tfrecord", "a.tfrecord", put(b"")),
    Bad("another format", "E608", "record 0 of `a.tfrecord` has no valid length", "a.tfrecord",
        "a.tfrecord, record 0", put(b"x,y,z\n1,2,3\n4,5,6\n")),
    Bad("cut off", "E608", "record 3 of `a.tfrecord` is cut off: it claims 58 bytes, 48 are left", "a.tfrecord",
        "a.tfrecord, record 3", put(CUT[:-10])),
    Bad("cut off in a length", "E608", "record 4 of `a.tfrecord` is cut off: 5 bytes are left for it", "a.tfrecord",
        "a.tfrecord, record 4", put(CUT + b"\0" * 5)),
    Bad("a claim of petabytes", "E608", "record 0 of `a.tfrecord` is cut off: it claims 1,000,000,000,000,000 bytes",
        "a.tfrecord", "a.tfrecord, record 0", put(CLAIM + struct.pack("<I", checksum(CLAIM)))),
    Bad("a flipped bit", "E608", "record 0 of `a.tfrecord` is damaged: its checksum differs", "a.tfrecord",
        "a.tfrecord, record 0", flip),
    Bad("no example", "E608", "record 0 of `a.tfrecord` is no tf.train.Example", "a.tfrecord", "a.tfrecord, record 0",
        put(record(b"any other content"))),
    Bad("not compressed", "E608", "cannot read `a.tfrecord.gz`: ", "a.tfrecord.gz", "a.tfrecord.gz",
        put(b"not compressed", "a.tfrecord.gz"), (("a.tfrecord", "a.tfrecord.gz"),)),
    Bad("cut off and compressed", "E608", "cannot read `a.tfrecord.gz`: ", "a.tfrecord.gz", "a.tfrecord.gz",
        put(gzip.compress(CUT)[:-20], "a.tfrecord.gz"), (("a.tfrecord", "a.tfrecord.gz"),)),
    Bad("a feature that is nowhere", "E608", "record 0 of `a.tfrecord` has no feature `w`",
        "{x: {shape: [3]}, w: int64}", "a.tfrecord, record 0", replace=(("y: int64", "w: int64"),)),
    Bad("a feature missing further on", "E608", "record 1 of `a.tfrecord` has no feature `x`",
        "x", "a.tfrecord, record 1", second(x=None)),
    Bad("too few numbers", "E608", "feature `x` of record 1 of `a.tfrecord` holds 2 numbers, expected 3",
        "x", "a.tfrecord, record 1", second(x=[1.0, 2.0])),
    Bad("integers for floats", "E608", "feature `x` of record 1 of `a.tfrecord` holds integers, expected floats",
        "x", "a.tfrecord, record 1", second(x=[1, 2, 3])),
    Bad("text for numbers", "E608", "feature `word` of record 0 of `a.tfrecord` holds bytes, expected integers",
        "{x: {shape: [3]}, word: int64, y: int64}", "a.tfrecord, record 0", replace=WORD),
    Bad("text that is a column of words", "E603", "column `word` holds text (`Straße`), expected numbers", "word",
        "a.tfrecord, record 0",
        replace=(("{shape: [3]}", "{shape: [3]}, word: string"), ("column: x", "column: word"))),
    Bad("Latin-1", "E608", "feature `word` of record 1 of `a.tfrecord` is not UTF-8", "word",
        "a.tfrecord, record 1", second(word="Straße".encode("latin-1")),
        (("{x: {shape: [3]}, y: int64}", "{y: int64, word: string}"), ("{y: y}", "{y: word}"),
         ("column: x", "column: y"), ("inputs: {x: [3]}", "inputs: {x: [1]}"))),
    Bad("not a number", "E608", "column `x` holds a value that is not a finite number", "x",
        "a.tfrecord, record 1", second(x=[0.0, float("nan"), 1.0])),
    Bad("numbers too large", "E608", "feature `y` of record 1 of `a.tfrecord` holds numbers outside of uint8",
        "y", "a.tfrecord, record 1", second(y=300), (("y: int64", "y: uint8"),)),
    Bad("another shape than the model's", "E605", "input `x` has shape [3], the data (`x`) give [1, 3]", "{column: x}",
        replace=(("{shape: [3]}", "{shape: [1, 3]}"),)),
    Bad("a label outside the head", "E604", "target `y` has label 7", "y", "a.tfrecord, record 1", second(y=7)),
    Bad("one class only", "E604", "target `y` has a single class, `1`", "y", "",
        lambda f: write_records(f / "a.tfrecord", [e | {"y": 1} for e in EXAMPLES])),
    Bad("no image", "E608", "feature `x` of record 1 of `a.tfrecord` is an image that cannot be read", "x",
        "a.tfrecord, record 1", pictures(b"none"), PICTURES),
    Bad("an image that is cut off", "E608", "feature `x` of record 1 of `a.tfrecord` is an image that cannot be read",
        "x", "a.tfrecord, record 1", pictures(drawn(8)[:-100]), PICTURES),
    Bad("an image of another size", "E608", "feature `x` of record 1 of `a.tfrecord` is an image of 9×9, expected 8×8",
        "x", "a.tfrecord, record 1", pictures(drawn(9)), PICTURES),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_a_good_file(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []


def test_several_files_and_compressed_ones(tmp_path: Path) -> None:
    write_records(tmp_path / "a-0.tfrecord", EXAMPLES[:3])
    write_records(tmp_path / "a-1.tfrecord", EXAMPLES[3:])
    write_records(tmp_path / "b.tfrecord.gz", EXAMPLES)
    features = {
        "y": RecordFeature(dtype="int32"),
        "word": RecordFeature(dtype="string"),
        "x": RecordFeature(shape=(3,)),
    }
    for path in (("a-*.tfrecord",), ("b.tfrecord.gz",)):
        table = Tfrecord(path=path, features=features).open(tmp_path)
        assert {name: (str(c.tensor), c.count) for name, c in table.columns.items()} == {
            "y": ("[] int32", 4), "word": ("[] string", 4), "x": ("[3]", 4),
        }  # fmt: skip
        values = table.take(["x", "word", "y"], np.array([3, 0]))
        assert values["x"].tolist() == [[3, 1, 2], [0, 1, 2]]
        assert values["word"].tolist() == ["Straße", "Straße"]
        assert values["y"].tolist() == [1, 0]
    assert Tfrecord(path=("a-*.tfrecord",), features=features).open(tmp_path).where(3) == "a-1.tfrecord, record 0"


def test_numbers_in_bytes(tmp_path: Path) -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "png")
    wave = np.linspace(0, 1, 6, dtype="<f2")
    write_records(tmp_path / "a.tfrecord", [{"image": png.getvalue(), "raw": pixels.tobytes(), "wave": wave.tobytes()}])
    shape = {"dtype": "uint8", "shape": (5, 4, 3)}
    features = {
        "image": RecordFeature(**shape, decode="image"),
        "raw": RecordFeature(**shape, decode="raw"),
        "wave": RecordFeature(dtype="float16", shape=(2, 3), decode="raw"),
    }
    values = Tfrecord(path=("a.tfrecord",), features=features).open(tmp_path).read(features)
    assert (values["image"][0] == pixels).all()
    assert (values["raw"][0] == pixels).all()
    assert (values["wave"][0] == wave.reshape(2, 3)).all()


@pytest.mark.parametrize(
    ("options", "message", "option"),
    [
        ({"shape": (None, 3)}, "a feature has a known size", "shape"),
        ({"dtype": "string", "decode": "raw"}, "text is not decoded into numbers", "decode"),
        ({"dtype": "uint8", "shape": (4, 4), "decode": "image"}, "an image is uint8 of shape", "decode"),
        ({"shape": (4, 4, 3), "decode": "image"}, "an image is uint8 of shape", "decode"),
    ],
)
def test_options_against_each_other(options: dict[str, Any], message: str, option: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        RecordFeature(**options).validate()
    assert (caught.value.code, caught.value.option) == ("E207", option)


def test_checksums() -> None:
    # The values of RFC 3720, appendix B.4, and one that takes the way of long data.
    assert crc32c(b"\0" * 32) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E
    long = bytes(range(256)) * 5 + b"abc"
    value = 0xFFFFFFFF
    for byte in long:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    assert crc32c(long) == value ^ 0xFFFFFFFF


@pytest.mark.slow
def test_tensorflow_writes_what_is_read(tmp_path: Path) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    floats, integers = rng.normal(size=(5, 300)).astype(np.float32), rng.integers(-(2**62), 2**62, (5, 3))
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as out:
        for one, other in zip(floats, integers, strict=True):
            feature = {
                "x": tf.train.Feature(float_list=tf.train.FloatList(value=one)),
                "y": tf.train.Feature(int64_list=tf.train.Int64List(value=other)),
                "word": tf.train.Feature(bytes_list=tf.train.BytesList(value=["é".encode()])),
            }
            out.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    features = {
        "x": RecordFeature(shape=(300,)), "y": RecordFeature(dtype="int64", shape=(3,)),
        "word": RecordFeature(dtype="string"),
    }  # fmt: skip
    values = Tfrecord(path=("a.tfrecord",), features=features).open(tmp_path).read(features)
    assert (values["x"] == floats).all()
    assert (values["y"] == integers).all()
    assert values["word"].tolist() == ["é"] * 5
    write_records(tmp_path / "b.tfrecord", EXAMPLES)
    specs = {"x": tf.io.FixedLenFeature([3], tf.float32), "y": tf.io.FixedLenFeature([], tf.int64)}
    parsed = [tf.io.parse_single_example(r, specs) for r in tf.data.TFRecordDataset(str(tmp_path / "b.tfrecord"))]
    assert [int(one["y"]) for one in parsed] == [0, 1, 0, 1], "the tests write what TensorFlow reads"
