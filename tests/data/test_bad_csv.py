"""Bad CSV files: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_inputs import Bad, cases, diagnose, expect
from builders import write

SPEC = """\
inputs: {x: [2]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {csv: a.csv}
  inputs: {x: {columns: [rooms, area]}}
  targets: {kind: kind}
train: {loss: sparse_categorical_crossentropy}
"""
ROWS = "rooms,area,kind\n3,70.5,0\n5,120,1\n2,50,1\n4,90.25,0\n"


def good(folder: Path) -> None:
    write(folder, "a.csv", ROWS)


def put(content: str | bytes) -> Callable[[Path], Any]:
    return lambda folder: write(folder, "a.csv", content)


def change(old: str, new: str) -> Callable[[Path], Any]:
    assert old in ROWS
    return put(ROWS.replace(old, new))


LINE = "a.csv, line 3"


@cases(
    Bad("missing file", "E601", "there is no file `b.csv`", "b.csv", replace=(("csv: a.csv", "csv: b.csv"),)),
    Bad("a folder", "E601", "`a.csv` is a folder, expected a file", "a.csv", "",
        lambda f: ((f / "a.csv").unlink(), (f / "a.csv").mkdir())),
    Bad("outside", "E108", "`../a.csv` leads out of the spec's folder", "../a.csv",
        replace=(("csv: a.csv", "csv: ../a.csv"),)),
    Bad("a URL", "E108", "`https://a.org/a.csv` is a URL", "'https://a.org/a.csv'",
        replace=(("csv: a.csv", "csv: 'https://a.org/a.csv'"),)),
    Bad("missing column", "E602", "the source has no column `aera`", "aera", replace=(("rooms, area", "rooms, aera"),)),
    Bad("columns of another file", "E602", "the source has none of the columns that are named: `weight`",
        "a.csv", "", replace=(("rooms, area", "weight, height"), ("kind: kind", "kind: fit"))),
    Bad("no row of names", "E608", "the first row of `a.csv` holds values (`3`), expected the names", "a.csv",
        "a.csv, line 1", put("3,70,1\n5,120,0\n")),
    Bad("a number for each example as classes", "E604", "target `kind` has label 10, the output has 2 classes", "kind",
        "a.csv, line 2", put("rooms,area,kind\n" + "".join(f"{n},1,{n + 10}\n" for n in range(40)))),
    Bad("empty file", "E608", "`a.csv` is empty", "a.csv", "a.csv", put("")),
    Bad("a header alone", "E608", "`a.csv` has a single row, which is taken for the names", "a.csv", "a.csv",
        put("rooms,area,kind\n")),
    Bad("two columns of one name", "E608", "`a.csv` has two columns named `rooms`", "a.csv", "a.csv, line 1",
        change("rooms,area,kind", "rooms,rooms,kind")),
    Bad("a short row", "E608", "line 3 of `a.csv` has 2 values, expected 3", "a.csv", LINE, change("5,120,1", "5,120")),
    Bad("a long row", "E608", "line 3 of `a.csv` has 4 values, expected 3", "a.csv", LINE,
        change("5,120,1", "5,1,120,1")),
    Bad("Latin-1", "E608", "column `kind` is not UTF-8", "a.csv", "a.csv, line 3",
        put(ROWS.replace("120,1", "120,gr\u00fcn").encode("latin-1"))),
    Bad("UTF-16", "E608", "`a.csv` is in UTF-16", "a.csv", "a.csv", put(ROWS.encode("utf-16"))),
    Bad("text among numbers", "E603", "column `area` holds text (`large`), expected numbers", "area", LINE,
        change("5,120", "5,large")),
    Bad("a missing value", "E608", "column `rooms` has 1 missing value", "rooms", LINE, change("5,120", ",120")),
    Bad("an infinite value", "E608", "column `area` holds a value that is not a finite number", "area", LINE,
        change("5,120", "5,inf")),
    Bad("a column without values", "E608", "column `area` is empty in every row", "area", "a.csv",
        put("rooms,area,kind\n1,,0\n2,,1\n")),
    Bad("a label outside the head", "E604", "target `kind` has label 2, the output has 2 classes, 0 to 1", "kind", LINE,
        change("120,1", "120,2")),
    Bad("labels that are no whole numbers", "E604", "target `kind` has label 0.5", "kind", LINE,
        change("120,1", "120,0.5")),
    Bad("more classes than units", "E604", "target `kind` has 3 classes, the output has 2", "kind", "",
        put("rooms,area,kind\n1,1,a\n2,2,b\n3,3,c\n")),
    Bad("one class only", "E604", "target `kind` has a single class, `1`: there is nothing to learn", "kind", "",
        put("rooms,area,kind\n1,1,1\n2,2,1\n")),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_a_good_file(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
