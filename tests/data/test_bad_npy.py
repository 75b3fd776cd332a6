"""Bad NumPy files: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect

from dlspec.data.sources import limits
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.npy import Npy

SPEC = """\
inputs: {x: [3]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {npy: [x.npy, y.npy]}
  inputs: {x: {column: x}}
  targets: {y: y}
train: {loss: sparse_categorical_crossentropy}
"""


def good(folder: Path) -> None:
    np.save(folder / "x.npy", np.arange(12.0).reshape(4, 3))
    np.save(folder / "y.npy", np.array([0, 1, 1, 0]))


def save(name: str, values: object) -> object:
    return lambda folder: np.save(folder / name, np.asarray(values), allow_pickle=True)


def cut(folder: Path) -> None:
    whole = (folder / "x.npy").read_bytes()
    (folder / "x.npy").write_bytes(whole[:-8])


def claim(folder: Path) -> None:
    """A header alone that claims eight terabytes."""
    with (folder / "x.npy").open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": (1_000_000_000, 1000)}
        )


NAN = [[0, 1, 2], [3, np.nan, 5], [6, 7, 8], [9, 9, 9]]
MARK = "[x.npy, y.npy]"


@cases(
    Bad("missing file", "E601", "there is no file `z.npy`", "[x.npy, z.npy]", replace=(("x.npy, y", "x.npy, z"),)),
    Bad("a folder", "E601", "`y.npy` is a folder, expected a file", MARK, "",
        lambda f: ((f / "y.npy").unlink(), (f / "y.npy").mkdir())),
    Bad("outside", "E108", "`../y.npy` leads out of the spec's folder", "[x.npy, ../y.npy]",
        replace=(("x.npy, y", "x.npy, ../y"),)),
    Bad("two of one name", "E608", "`x.npy` and `./x.npy` would both be the column `x`", "[x.npy, ./x.npy]",
        replace=(("x.npy, y", "x.npy, ./x"),)),
    Bad("missing column", "E602", "the source has no column `z`", "z", replace=(("{y: y}", "{y: z}"),)),
    Bad("empty file", "E608", "`x.npy` is not an npy file", MARK, "x.npy", lambda f: (f / "x.npy").write_bytes(b"")),
    Bad("another format", "E608", "`x.npy` is not an npy file", MARK, "x.npy",
        lambda f: (f / "x.npy").write_text("1,2,3")),
    Bad("cut off", "E608", "`x.npy` is cut off: it claims 96 bytes and has 88", MARK, "x.npy", cut),
    Bad("a claim of terabytes", "E608", "`x.npy` is cut off: it claims 8,000,000,000,000 bytes and has 0", MARK,
        "x.npy", claim),
    Bad("objects", "E608", "`x.npy` holds Python objects", MARK, "x.npy", save("x.npy", np.array([{}, 1, 2, 3]))),
    Bad("complex numbers", "E608", "`x.npy` holds values of type complex128", MARK, "x.npy",
        save("x.npy", np.zeros((4, 3), complex))),
    Bad("a single value", "E608", "`x.npy` is a single value, expected one per example", MARK, "x.npy",
        save("x.npy", 3.0)),
    Bad("no examples", "E608", "`x.npy` is empty", MARK, "x.npy", save("x.npy", np.zeros((0, 3)))),
    Bad("unequal lengths", "E605", "column `x` has 4 examples, `y` has 3", MARK, "", save("y.npy", [0, 1, 1])),
    Bad("not a number", "E608", "column `x` holds a value that is not a finite number", "x", "x.npy and y.npy, row 1",
        save("x.npy", NAN)),
    Bad("another shape", "E605", "input `x` has shape [3], the data (`x`) give [2]", "{column: x}", "",
        save("x.npy", np.zeros((4, 2)))),
    Bad("text for numbers", "E603", "column `x` holds text (`a`), expected numbers", "x", "x.npy and y.npy, row 0",
        save("x.npy", ["a", "b", "c", "d"])),
    Bad("a label outside the head", "E604", "target `y` has label 7, the output has 2 classes, 0 to 1", "y",
        "x.npy and y.npy, row 2", save("y.npy", [0, 1, 7, 0])),
    Bad("one class only", "E604", "target `y` has a single class, `1`: there is nothing to learn", "y", "",
        save("y.npy", [1, 1, 1, 1])),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_good_files(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []


def test_values_come_in_the_promised_dtype_whatever_the_order_of_bytes(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.asfortranarray(np.arange(12, dtype=">i2").reshape(4, 3)))
    np.save(tmp_path / "word.npy", np.array(["a", "bc", "d", ""]))
    table = Npy(path=("x.npy", "word.npy")).open(tmp_path)
    assert {name: (str(c.tensor), c.count) for name, c in table.columns.items()} == {
        "x": ("[3] int16", 4), "word": ("[] string", 4),
    }  # fmt: skip
    values = table.take(["x", "word"], np.array([2, 0]))
    assert values["x"].tolist() == [[6, 7, 8], [0, 1, 2]]
    assert values["x"].dtype == np.dtype("=i2")
    assert values["word"].tolist() == ["d", "a"]
    assert table.read(["x"])["x"].tolist() == np.arange(12).reshape(4, 3).tolist()


def test_more_than_the_memory_is_not_read(tmp_path: Path) -> None:
    rows = limits.machine_memory() // 8
    with (tmp_path / "x.npy").open("wb") as stream:  # sparse: the disk holds next to nothing
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (rows, 2)})
        stream.truncate(stream.tell() + rows * 16)
    table = Npy(path=("x.npy",)).open(tmp_path)
    assert table.take(["x"], np.array([rows - 1, 1]))["x"].tolist() == [[0, 0], [0, 0]]
    with pytest.raises(DataProblem, match=r"`x\.npy` takes .* this machine has .* of memory") as caught:
        table.read(["x"])
    assert (caught.value.code, caught.value.where) == ("E609", "x.npy")
