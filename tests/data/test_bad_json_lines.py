"""Bad files of JSON Lines: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_inputs import Bad, cases, diagnose, expect

SPEC = """\
inputs: {x: [2]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {json_lines: a.jsonl}
  inputs: {x: {columns: [rooms, area]}}
  targets: {kind: kind}
train: {loss: sparse_categorical_crossentropy}
"""
ROWS: list[dict[str, Any]] = [
    {"rooms": 3, "area": 70.5, "kind": 0},
    {"rooms": 5, "area": 120.0, "kind": 1},
    {"rooms": 2, "area": 50.0, "kind": 1},
    {"rooms": 4, "area": 90.25, "kind": 0},
]
FILE, ROW = "a.jsonl", "a.jsonl, line 2"


def put(content: bytes | str) -> Callable[[Path], Any]:
    held = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / "a.jsonl").write_bytes(held)


def save(column: str, *values: Any) -> Callable[[Path], Any]:
    """The file with other values in a column."""
    rows = [{**row, column: value} for row, value in zip(ROWS, values, strict=True)]
    return put("\n".join(map(json.dumps, rows)))


def good(folder: Path) -> None:
    put("\n".join(map(json.dumps, ROWS)))(folder)


@cases(
    Bad("missing file", "E601", "there is no file `b.jsonl`", "b.jsonl", replace=(("a.jsonl", "b.jsonl"),)),
    Bad("outside", "E108", "`../a.jsonl` leads out of the spec's folder", "../a.jsonl",
        replace=(("a.jsonl", "../a.jsonl"),)),
    Bad("missing column", "E602", "the source has no column `aera`", "aera", replace=(("rooms, area", "rooms, aera"),)),
    Bad("empty file", "E608", "`a.jsonl` is empty", FILE, FILE, put("")),
    Bad("another format", "E608", "line 1 of `a.jsonl`: Expecting value in column 1", FILE, "a.jsonl, line 1",
        put("rooms,area,kind\n" * 9)),
    Bad("a list", "E608", "line 1 of `a.jsonl`: a list, expected an object a line", FILE, "a.jsonl, line 1",
        put(json.dumps(ROWS))),
    Bad("cut off", "E608", "line 2 of `a.jsonl`: Expecting", FILE, ROW, put(json.dumps(ROWS[0]) + '\n{"rooms": 3,')),
    Bad("another encoding", "E608", "line 2 of `a.jsonl` is not UTF-8", FILE, ROW,
        put(json.dumps(ROWS[0]).encode() + '\n{"rooms": "é"}'.encode("latin-1"))),
    Bad("nothing to use", "E608", "`a.jsonl` holds no column of numbers or text", FILE, FILE,
        put('{"rooms": {"a": 1}}')),
    Bad("words and numbers", "E608", "line 2 of `a.jsonl`: column `area` holds text, and a number in", FILE, ROW,
        save("area", 70.5, "large", 50, 90)),
    Bad("a key twice", "E608", "line 1 of `a.jsonl`: the key `rooms` stands there twice", FILE, "a.jsonl, line 1",
        put('{"rooms": 1, "rooms": 2}')),
    Bad("lists of unequal length", "E608", "column `area` holds lists of different lengths: 1 in row 0, 2 in row 1",
        "area", ROW, save("area", [1], [2, 3], [4], [5])),
    Bad("lists of words", "E608", "column `area` holds values of type list<item: string>", "area", FILE,
        save("area", ["a"], ["b"], ["c"], ["d"])),
    Bad("objects", "E608", "column `area` holds objects", "area", FILE, save("area", *[{"m2": 1}] * 4)),
    Bad("text for numbers", "E603", "column `area` holds text (`large`), expected numbers", "area", ROW,
        save("area", "70.5", "large", "50", "90")),
    Bad("a missing value", "E608", "column `rooms` has 1 missing value", "rooms", ROW, save("rooms", 3, None, 2, 4)),
    Bad("not a number", "E608", "column `area` has 1 missing value", "area", ROW,
        save("area", 1.5, float("nan"), 2.5, 3.5)),
    Bad("an infinite value", "E608", "column `area` holds a value that is not a finite number", "area", ROW,
        save("area", 1.5, float("inf"), 2.5, 3.5)),
    Bad("an empty column", "E608", "column `area` is empty in every row", "area", FILE, save("area", *[None] * 4)),
    Bad("a label outside the head", "E604", "target `kind` has label 2, the output has 2 classes, 0 to 1", "kind", ROW,
        save("kind", 0, 2, 1, 0)),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_a_good_file(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
