"""Bad tables of images: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import picture, write
from PIL import Image

from dlspec.core.errors import Problem
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_table import ImageTable

SPEC = """\
inputs: {photo: [8, 8, 3]}
layers:
  - flatten
  - dense: {units: 2, activation: softmax}
data:
  source: {image_table: {table: {csv: labels.csv}, images: photo, folder: photos}}
  inputs: {photo: {column: photo, prepare: [{rescaling: 1 / 255}]}}
  targets: {kind: kind}
train: {loss: sparse_categorical_crossentropy}
"""
ROWS = "photo,kind,age\na.png,cat,3\nb.png,dog,4\nc.png,cat,5\n"


def good(folder: Path) -> None:
    for name in "abc":
        picture(folder / f"photos/{name}.png")
    write(folder, "labels.csv", ROWS)


def table(old: str, new: str) -> Callable[[Path], Any]:
    return lambda folder: write(folder, "labels.csv", ROWS.replace(old, new))


def put(content: bytes) -> Callable[[Path], Any]:
    return lambda folder: write(folder, "photos/b.png", content)


def deep(folder: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(folder / "photos/b.png")


def cut(folder: Path) -> None:
    (folder / "photos/b.png").write_bytes((folder / "photos/b.png").read_bytes()[:-20])


def huge(folder: Path) -> None:
    """A PNG of some bytes whose header claims 60,000 × 60,000 pixels."""
    whole = bytearray((folder / "photos/b.png").read_bytes())
    whole[16:24] = (60_000).to_bytes(4, "big") * 2
    whole[29:33] = zlib.crc32(whole[12:29]).to_bytes(4, "big")
    (folder / "photos/b.png").write_bytes(whole)


ROW = "labels.csv, line 3"


AGE = (
    (
        "photo: {column: photo, prepare: [{rescaling: 1 / 255}]}",
        "photo: {column: photo, prepare: [{rescaling: 1 / 255}]}, age: {column: age}",
    ),
    ("photo: [8, 8, 3]", "photo: [8, 8, 3], age: [1]"),
    ("  - flatten", "  - flatten: {from: photo}\n  - concatenate: [prev, age]"),
)


@cases(
    Bad("missing table", "E601", "there is no file `label.csv`", "{csv: label.csv}",
        replace=(("csv: labels.csv", "csv: label.csv"),)),
    Bad("missing folder", "E601", "there is no folder `photo`", "photo",
        replace=(("folder: photos", "folder: photo"),)),
    Bad("folder outside", "E108", "`..` leads out of the spec's folder", "..",
        replace=(("folder: photos", "folder: .."),)),
    Bad("missing column of paths", "E602", "the source has no column `image`", "image",
        replace=(("images: photo", "images: image"),)),
    Bad("a column of numbers", "E603", "column `age` holds [] int64, expected paths", "age",
        replace=(("images: photo", "images: age"),)),
    Bad("missing column", "E602", "the source has no column `kinds`", "kinds",
        replace=(("kind: kind", "kind: kinds"),)),
    Bad("missing image", "E608", "there is no image `z.png` in `photos`", "photo", ROW, table("b.png", "z.png")),
    Bad("no path", "E608", "column `photo` names no image", "photo", ROW, table("b.png", " ")),
    Bad("a path outside", "E108", "`../../secret.png` leads out of the spec's folder", "photo", ROW,
        lambda f: (picture(f.parent / "secret.png"), table("b.png", "../../secret.png")(f))),
    Bad("no image", "E608", "image `b.png` cannot be read: cannot identify image file", "photo", ROW, put(b"no image")),
    Bad("empty file", "E608", "image `b.png` cannot be read: cannot identify image file", "photo", ROW, put(b"")),
    Bad("cut off", "E608", "image `b.png` is cut off: its end is missing", "photo", ROW, cut),
    Bad("a claim of gigabytes", "E608", "image `b.png` claims more than 89,478,485 pixels", "photo", ROW, huge),
    Bad("16 bits", "E608", "image `b.png` has pixels of Pillow's mode I;16", "photo", ROW, deep),
    Bad("another size", "E608", "image `b.png` is 8×9, the first one is 8×8", "photo", ROW,
        lambda f: picture(f / "photos/b.png", (8, 9, 3))),
    Bad("another number of channels", "E608", "image `b.png` has 1 channels, the first one has 3", "photo", ROW,
        lambda f: picture(f / "photos/b.png", (8, 8))),
    Bad("ragged rows", "E608", "line 3 of `labels.csv` has 2 values, expected 3", "{csv: labels.csv}", ROW,
        table("dog,4", "dog")),
    Bad("empty table", "E608", "`labels.csv` is empty", "{csv: labels.csv}", "labels.csv",
        lambda f: write(f, "labels.csv", "")),
    Bad("another shape than the model's", "E605",
        "input `photo` has shape [8, 8, 3], the data (`photo`) give [4, 4, 3]",
        "{column: photo, prepare: [{rescaling: 1 / 255}]}",
        replace=(("folder: photos", "folder: photos, size: [4, 4]"),)),
    Bad("classes without units", "E604", "target `kind` has 3 classes, the output has 2", "kind", "",
        table("b.png,dog", "b.png,fox,1\na.png,dog")),
    Bad("one class only", "E604", "target `kind` has a single class, `cat`", "kind", "", table("dog", "cat")),
    Bad("Latin-1", "E608", "column `kind` is not UTF-8", "{csv: labels.csv}", "labels.csv, line 3",
        lambda f: write(f, "labels.csv", ROWS.replace("dog", "gr\u00fcn").encode("latin-1"))),
    Bad("text among numbers", "E603", "column `age` holds text (`old`), expected numbers", "age", "labels.csv, line 3",
        table(",4", ",old"), AGE),
    Bad("a missing value", "E608", "column `age` has 1 missing value", "age", "labels.csv, line 3", table(",4", ","),
        AGE),
    Bad("a label outside the head", "E604", "target `kind` has label 2, the output has 2 classes", "kind",
        "labels.csv, line 3", lambda f: write(f, "labels.csv", ROWS.replace("cat", "0").replace("dog", "2"))),
    Bad("no row of names", "E602", "the source has no column `photo`", "photo", "",
        lambda f: write(f, "labels.csv", "a.png,cat,3\nb.png,dog,4\n")),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    expect(bad, folder, good, SPEC)


def test_a_good_table(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
    mask = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2 * 255
    for name in "abc":
        Image.fromarray(mask).save(tmp_path / f"photos/{name}_mask.png")
    write(tmp_path, "labels.csv", "photo,mask,age\na.png,a_mask.png,3\nc.png,c_mask.png,4\n")
    source = ImageTable(
        table=Csv(path="labels.csv"), images=("photo",), masks=("mask",), folder="photos", values=(0, 255), channels=1
    )
    opened = source.open(tmp_path)
    assert {name: (str(c.tensor), c.count) for name, c in opened.columns.items()} == {
        "photo": ("[8, 8, 1] uint8", 2), "mask": ("[8, 8] uint8", 2), "age": ("[] int64", 2),
    }  # fmt: skip
    values = opened.take(["age", "mask", "photo"], np.array([1, 0]))
    assert values["age"].tolist() == [4, 3]
    assert (values["mask"] == mask // 255).all()
    grey = np.asarray(Image.open(tmp_path / "photos/a.png").convert("L"))
    assert (values["photo"][1, :, :, 0] == grey).all()
    assert (opened.labels("mask").values, opened.labels("mask").counts) == ((0, 1), (64, 64))
    assert not opened.streamed


def test_options_against_each_other() -> None:
    with pytest.raises(Problem, match="`a` is both in `images` and in `masks`"):
        ImageTable(table=Csv(path="x.csv"), images=("a",), masks=("a",)).validate()
