"""NumPy archives: facts from headers alone, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import write

from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.npz import Npz


def problem(folder: Path, *, read: str = "") -> DataProblem:
    with pytest.raises(DataProblem) as caught:
        table = Npz(path="a.npz").open(folder)
        _ = table.columns
        table.read([read])
    return caught.value


def test_facts_come_from_the_headers(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 4, 3), np.float32), y=np.arange(5), word=np.array(list("abcde")))
    columns = Npz(path="a.npz").columns(tmp_path)
    assert {name: (str(column.tensor), column.count) for name, column in columns.items()} == {
        "x": ("[4, 3]", 5), "y": ("[] int64", 5), "word": ("[] string", 5),
    }  # fmt: skip
    assert Npz(path="a.npz").read(tmp_path, ["word"])["word"].tolist() == list("abcde")


def test_missing_file(tmp_path: Path) -> None:
    assert problem(tmp_path).code == "E601"


def test_not_an_archive(tmp_path: Path) -> None:
    write(tmp_path, "a.npz", "no zip")
    found = problem(tmp_path)
    assert (found.code, found.message) == ("E608", "`a.npz` is not an npz file")


def test_no_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz")
    assert problem(tmp_path).message == "`a.npz` holds no arrays"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(3.0), "array `x` of `a.npz` is a single value, expected one per example"),
        (np.zeros((0, 3)), "array `x` of `a.npz` is empty"),
        (np.array([{}, {}], dtype=object), "array `x` of `a.npz` holds Python objects"),
        (np.zeros(3, complex), "array `x` of `a.npz` holds values of type complex128"),
    ],
)
def test_arrays_that_are_no_columns(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.savez(tmp_path / "a.npz", x=array)
    found = problem(tmp_path)
    assert (found.code, found.message, found.where) == ("E608", message, "a.npz")


def test_damaged_values(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(1000.0))
    raw = bytearray((tmp_path / "a.npz").read_bytes())
    raw[3000] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(raw)
    found = problem(tmp_path, read="x")
    assert found.code == "E608"
    assert found.message.startswith("an array of `a.npz` is damaged: Bad CRC-32")


def test_a_value_that_is_not_finite_is_found_with_its_row(tmp_path: Path) -> None:
    values = np.zeros((4, 2))
    values[2, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=values)
    with pytest.raises(DataProblem, match="column `x` holds a value that is not a finite number") as caught:
        Npz(path="a.npz").open(tmp_path).check(["x"])
    assert (caught.value.code, caught.value.where) == ("E608", "a.npz, row 2")
