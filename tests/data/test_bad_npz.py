"""Bad NumPy archives: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect

from dlspec.data.sources import limits
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.npz import Npz

SPEC = """\
inputs: {x: [3]}
layers:
  - dense: {units: 2, activation: softmax}
data:
  source: {npz: a.npz}
  inputs: {x: {column: x}}
  targets: {y: y}
train: {loss: sparse_categorical_crossentropy}
"""
ARRAYS = {"x": np.arange(12.0).reshape(4, 3), "y": np.array([0, 1, 1, 0])}


def good(folder: Path) -> None:
    np.savez(folder / "a.npz", **ARRAYS)


def save(**arrays: Any) -> Callable[[Path], None]:
    return lambda folder: np.savez(folder / "a.npz", **(ARRAYS | arrays))


def write(data: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / "a.npz").write_bytes(data)


def cut(folder: Path) -> None:
    (folder / "a.npz").write_bytes((folder / "a.npz").read_bytes()[:-40])


def claim(shape: tuple[int, ...]) -> bytes:
    """An array's header alone."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def member(content: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "a.npz", "w") as archive:
            archive.writestr("x.npy", content)

    return make


@cases(
    Bad("missing file", "E601", "there is no file `b.npz`", "b.npz", replace=(("a.npz", "b.npz"),)),
    Bad("outside", "E108", "`../a.npz` leads out of the spec's folder", "../a.npz", replace=(("a.npz", "../a.npz"),)),
    Bad("missing column", "E602", "the source has no column `z`", "z", replace=(("{y: y}", "{y: z}"),)),
    Bad("empty file", "E608", "`a.npz` is not an npz file", "a.npz", "a.npz", write(b"")),
    Bad("another format", "E608", "`a.npz` is not an npz file", "a.npz", "a.npz", write(b"x,y\n1,2\n")),
    Bad("cut off", "E608", "`a.npz` is not an npz file", "a.npz", "a.npz", cut),
    Bad("no arrays", "E608", "`a.npz` holds no arrays", "a.npz", "a.npz", lambda f: np.savez(f / "a.npz")),
    Bad("no header", "E608", "array `x` of `a.npz` is damaged: ", "a.npz", "a.npz", member(b"1, 2, 3")),
    Bad("a claim of terabytes", "E608", "array `x` of `a.npz` is cut off: it claims 8,000,000,000,000 bytes", "a.npz",
        "a.npz", member(claim((10**9, 1000)))),
    Bad("a negative size", "E608", "array `x` of `a.npz` is damaged: its header claims the shape (-1, 3)", "a.npz",
        "a.npz", member(claim((-1, 3)))),
    Bad("objects", "E608", "array `x` of `a.npz` holds Python objects", "a.npz", "a.npz", save(x=np.array([{}, 1]))),
    Bad("a single value", "E608", "array `x` of `a.npz` is a single value", "a.npz", "a.npz", save(x=1.0)),
    Bad("no examples", "E608", "array `x` of `a.npz` is empty", "a.npz", "a.npz", save(x=np.zeros((0, 3)))),
    Bad("unequal lengths", "E605", "column `x` has 4 examples, `y` has 3", "a.npz", "", save(y=[0, 1, 1])),
    Bad("infinite", "E608", "column `x` holds a value that is not a finite number", "x", "a.npz, row 3",
        save(x=np.where(np.arange(12).reshape(4, 3) > 10, np.inf, 1))),
    Bad("another shape", "E605", "input `x` has shape [3], the data (`x`) give [2, 3]", "{column: x}", "",
        save(x=np.zeros((4, 2, 3)))),
    Bad("text for numbers", "E603", "column `x` holds text (`a`), expected numbers", "x", "a.npz, row 0",
        save(x=list("abcd"))),
    Bad("a label outside the head", "E604", "target `y` has label 7", "y", "a.npz, row 2", save(y=[0, 1, 7, 0])),
    Bad("one class only", "E604", "target `y` has a single class, `1`", "y", "", save(y=[1, 1, 1, 1])),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_a_good_file(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []


def test_compressed_zeros_beyond_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 1000)))
    monkeypatch.setattr(limits, "machine_memory", lambda: 1_000_000)
    table = Npz(path="a.npz").open(tmp_path)
    assert table.columns["x"].count == 1000
    with pytest.raises(DataProblem) as caught:
        table.read(["x"])
    message = "array `x` of `a.npz` takes 8.0 MB, this machine has 1.0 MB of memory"
    assert (caught.value.code, caught.value.message) == ("E609", message)
