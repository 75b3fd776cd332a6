"""Bad Parquet files: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from bad_inputs import Bad, cases, diagnose, expect
from pyarrow import parquet as pq

SPEC = """\
inputs: {x: [2]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {parquet: a.parquet}
  inputs: {x: {columns: [rooms, area]}}
  targets: {kind: kind}
train: {loss: sparse_categorical_crossentropy}
"""
COLUMNS: dict[str, Any] = {"rooms": [3, 5, 2, 4], "area": [70.5, 120.0, 50.0, 90.25], "kind": [0, 1, 1, 0]}
ROW = "a.parquet, row 1"


def save(**changed: Any) -> Callable[[Path], Any]:
    """The file with other columns; None takes one away."""
    columns = {name: values for name, values in (COLUMNS | changed).items() if values is not None}
    return lambda folder: pq.write_table(pa.table(columns), folder / "a.parquet")


def good(folder: Path) -> None:
    save()(folder)


def put(content: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / "a.parquet").write_bytes(content)


def cut(folder: Path) -> None:
    (folder / "a.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-10])


def damage(folder: Path) -> None:
    whole = bytearray((folder / "a.parquet").read_bytes())
    whole[4:60] = bytes(56)
    (folder / "a.parquet").write_bytes(whole)


@cases(
    Bad("missing file", "E601", "there is no file `b.parquet`", "b.parquet", replace=(("a.parquet", "b.parquet"),)),
    Bad("a folder", "E601", "`a.parquet` is a folder, expected a file", "a.parquet", "",
        lambda f: ((f / "a.parquet").unlink(), (f / "a.parquet").mkdir())),
    Bad("outside", "E108", "`../a.parquet` leads out of the spec's folder", "../a.parquet",
        replace=(("a.parquet", "../a.parquet"),)),
    Bad("missing column", "E602", "the source has no column `aera`", "aera", replace=(("rooms, area", "rooms, aera"),)),
    Bad("columns of another file", "E602", "the source has none of the columns that are named: `a`, `b`, `c`",
        "a.parquet", "", replace=(("rooms, area", "a, b"), ("kind: kind", "kind: c"))),
    Bad("empty file", "E608", "`a.parquet` is not a sound Parquet file", "a.parquet", "a.parquet", put(b"")),
    Bad("another format", "E608", "`a.parquet` is not a sound Parquet file", "a.parquet", "a.parquet",
        put(b"rooms,area,kind\n" * 9)),
    Bad("cut off", "E608", "`a.parquet` is not a sound Parquet file", "a.parquet", "a.parquet", cut),
    Bad("damaged values", "E608", "cannot read `a.parquet`: Couldn't deserialize thrift", "a.parquet", "a.parquet",
        damage),
    Bad("no rows", "E608", "`a.parquet` has no rows", "a.parquet", "a.parquet",
        save(**{name: pa.array([], pa.float64()) for name in COLUMNS})),
    Bad("nothing to use", "E608", "`a.parquet` holds no column of numbers or text", "a.parquet", "a.parquet",
        save(**{name: pa.array([b"\0"]) for name in COLUMNS})),
    Bad("lists of unequal length", "E608", "column `area` holds lists of different lengths: 1 in row 0", "area", ROW,
        save(area=[[1.0], [], [2.0, 3.0], [4.0]])),
    Bad("text for numbers", "E603", "column `area` holds text (`large`), expected numbers", "area", ROW,
        save(area=["70.5", "large", "50", "90"])),
    Bad("numbers as text", "E603", "column `area` holds numbers that are written as text, expected numbers", "area",
        "a.parquet, row 0", save(area=["70.5", "120", "50", "90"])),
    Bad("a missing value", "E608", "column `rooms` has 1 missing value", "rooms", ROW, save(rooms=[3, None, 2, 4])),
    Bad("not a number", "E608", "column `area` holds a value that is not a finite number", "area", ROW,
        save(area=[1.0, float("nan"), 2.0, 3.0])),
    Bad("an infinite value", "E608", "column `area` holds a value that is not a finite number", "area", ROW,
        save(area=[1.0, float("-inf"), 2.0, 3.0])),
    Bad("a label outside the head", "E604", "target `kind` has label 2, the output has 2 classes, 0 to 1", "kind", ROW,
        save(kind=[0, 2, 1, 0])),
    Bad("more classes than units", "E604", "target `kind` has 3 classes, the output has 2", "kind", "",
        save(kind=["a", "b", "c", "a"])),
    Bad("a missing label", "E608", "column `kind` has 1 missing value", "kind", ROW, save(kind=[0, None, 1, 0])),
    Bad("one class only", "E604", "target `kind` has a single class, `1`: there is nothing to learn", "kind", "",
        save(kind=[1, 1, 1, 1])),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_damage_without_statistics(tmp_path: Path) -> None:
    """Missing values are counted then, before anything else is read."""
    pq.write_table(pa.table(COLUMNS), tmp_path / "a.parquet", write_statistics=False)
    damage(tmp_path)
    assert [(one.code, one.span is not None) for one in diagnose(tmp_path, SPEC)] == [("E608", True)]


def test_a_good_file(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
