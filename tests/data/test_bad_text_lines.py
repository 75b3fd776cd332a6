"""Bad files of lines: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import write

from dlspec.core.errors import Problem
from dlspec.data.sources.text_lines import TextLines

SPEC = """\
layers:
  - embedding: {input_dim: 50, output_dim: 4}
  - global_average_pooling1d
  - dense: {units: 3, activation: softmax}
data:
  source: {text_lines: [talks.de, talks.kind]}
  inputs: {text: {column: de, prepare: [{text_vectorization: {max_tokens: 50, output_sequence_length: 5}}]}}
  targets: {kind: kind}
train: {loss: sparse_categorical_crossentropy}
"""
MARK = "[talks.de, talks.kind]"
ONE = (("[talks.de, talks.kind]", '{path: pairs.txt, separator: "\\t", names: [de, kind]}'),)


def good(folder: Path) -> None:
    write(folder, "talks.de", "Guten Tag\nGrüß Gott\nAuf Wiedersehen\n")
    write(folder, "talks.kind", "open\nopen\nclose\n")
    write(folder, "pairs.txt", "Guten Tag\topen\nAuf Wiedersehen\tclose\n")


def put(name: str, content: str | bytes) -> object:
    return lambda folder: write(folder, name, content)


@cases(
    Bad("missing file", "E601", "there is no file `talks.fr`", "[talks.fr, talks.kind]",
        replace=(("[talks.de,", "[talks.fr,"),)),
    Bad("outside", "E108", "`../talks.de` leads out of the spec's folder", "[../talks.de, talks.kind]",
        replace=(("[talks.de,", "[../talks.de,"),)),
    Bad("missing column", "E602", "the source has no column `en`", "en", replace=(("column: de", "column: en"),)),
    Bad("too few lines", "E608", "`talks.de` has 3 lines, `talks.kind` 2: line 3 has no partner", MARK,
        "talks.kind, line 3", put("talks.kind", "open\nclose\n")),
    Bad("too many lines", "E608", "`talks.de` has 1 line, `talks.kind` 3: line 2 has no partner", MARK,
        "talks.kind, line 2", put("talks.de", "Hallo")),
    Bad("a blank line", "E608", "line 2 of `talks.de` is blank", MARK, "talks.de, line 2", put("talks.de", "a\n\nb\n")),
    Bad("a second end", "E608", "line 4 of `talks.de` is blank", MARK, "talks.de, line 4",
        put("talks.de", "a\nb\nc\n\n")),
    Bad("an empty file", "E608", "`talks.de` is empty", MARK, "talks.de", put("talks.de", "")),
    Bad("Latin-1", "E608", "line 2 of `talks.de` is not UTF-8", MARK, "talks.de, line 2",
        put("talks.de", "Guten Tag\nGr\u00fc\u00df Gott\nTsch\u00fcs\n".encode("latin-1"))),
    Bad("UTF-16", "E608", "line 1 of `talks.de` is not UTF-8", MARK, "talks.de, line 1",
        put("talks.de", "a\nb\nc\n".encode("utf-16"))),
    Bad("no separator", "E608", "line 2 of `pairs.txt` has 1 value, expected 2", "pairs.txt", "pairs.txt, line 2",
        put("pairs.txt", "a\topen\nb open\n"), ONE),
    Bad("too many separators", "E608", "line 1 of `pairs.txt` has 3 values, expected 2", "pairs.txt",
        "pairs.txt, line 1", put("pairs.txt", "a\topen\tx\nb\tclose\n"), ONE),
    Bad("nothing beside a separator", "E608", "line 2 of `pairs.txt` has no text for `kind`", "pairs.txt",
        "pairs.txt, line 2", put("pairs.txt", "a\topen\nb\t\n"), ONE),
    Bad("text for numbers", "E603", "column `de` holds text (`Guten Tag`), expected numbers", "de",
        "talks.de and talks.kind, line 1",
        replace=((", prepare: [{text_vectorization: {max_tokens: 50, output_sequence_length: 5}}]", ""),)),
    Bad("classes without units", "E604", "target `kind` has 4 classes, the output has 3", "kind", "",
        lambda f: (write(f, "talks.kind", "a\nb\nc\nd\n"), write(f, "talks.de", "a\nb\nc\nd\n"))),
    Bad("one class only", "E604", "target `kind` has a single class, `open`", "kind", "",
        put("talks.kind", "open\nopen\nopen\n")),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_good_files(tmp_path: Path) -> None:
    good(tmp_path)
    spec = SPEC.replace("units: 3", "units: 2")
    assert diagnose(tmp_path, spec) == []
    assert diagnose(tmp_path, spec.replace(*ONE[0])) == []


def test_a_file_per_column(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "\ufeffone\u2028still one\r\ntwo")
    table = TextLines(path=("a.txt",)).open(tmp_path)
    assert {name: (str(c.tensor), c.count) for name, c in table.columns.items()} == {"a": ("[] string", 2)}
    assert table.read(["a"])["a"].tolist() == ["one\u2028still one", "two"]
    assert table.take(["a"], np.array([1, 1, 0]))["a"].tolist() == ["two", "two", "one\u2028still one"]


@pytest.mark.parametrize(
    ("options", "message", "option"),
    [
        ({"path": ("a", "b"), "separator": "\t"}, "`separator` takes one file and at least two `names`", "separator"),
        ({"path": ("a",), "separator": "\t"}, "`separator` takes one file and at least two `names`", "separator"),
        ({"path": ("a", "b"), "names": ("x",)}, "2 files and 1 name", "names"),
        ({"path": ("a", "b"), "names": ("x", "x")}, "two columns would be named `x`", "path"),
        ({"path": ("x/a", "y/a")}, "two columns would be named ``", "path"),
    ],
)
def test_options_against_each_other(options: dict[str, object], message: str, option: str) -> None:
    with pytest.raises(Problem) as caught:
        TextLines(**options).validate()
    assert (caught.value.code, caught.value.message, caught.value.option) == ("E207", message, option)
