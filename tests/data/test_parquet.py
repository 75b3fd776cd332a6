"""Parquet files: columns, missing values, row groups, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from builders import write
from pyarrow import parquet as pq

from dlspec.data.sources import parquet
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.parquet import Parquet, ParquetTable


def save(folder: Path, columns: dict[str, Any], rows: int = 1000) -> ParquetTable:
    pq.write_table(pa.table(columns), folder / "a.parquet", row_group_size=rows)
    return Parquet(path="a.parquet").open(folder)


@pytest.fixture
def streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which every file is too large for memory."""
    monkeypatch.setattr(parquet, "STREAMED_FROM", 100)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path


COLUMNS = {
    "whole": pa.array([1, 2, 3], pa.int16()),
    "gaps": pa.array([1, None, 3]),
    "single": pa.array([0.5, None, 2.5], pa.float32()),
    "double": pa.array([0.5, 1.5, 2.5]),
    "price": pa.array([1, 2, 3], pa.int64()).cast(pa.decimal128(25, 2)),
    "yes": pa.array([True, False, True]),
    "maybe": pa.array([True, None, False]),
    "word": pa.array(["a", None, "ö"]),
    "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
    "day": pa.array(["2020-01-31", "2020-02-01", None]).cast(pa.date32()),
    "vector": pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], pa.list_(pa.float32(), 2)),
    "hole": pa.array([[1, 2], None, [5, 6]], pa.list_(pa.int64(), 2)),
    "ragged": pa.array([[1], [], [2, 3]]),
    "both": pa.array([{"x": 1}, {"x": 2}, {"x": 3}]),
    "list": pa.array([[1.0, 2.0], None, [5.0, 6.0]], pa.list_(pa.float32())),
    "grid": pa.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]]], pa.large_list(pa.list_(pa.int8()))),
    "time": pa.array([1500, None, -250], pa.duration("ms")),
    "min.price": pa.array([1, 2, None]),
    "min": pa.array([4, 5, 6]),
}
EXPECTED: dict[str, tuple[str, list[Any]]] = {
    "whole": ("[] int64", [1, 2, 3]),
    "gaps": ("[] float64", [1.0, None, 3.0]),
    "single": ("[]", [0.5, None, 2.5]),
    "double": ("[] float64", [0.5, 1.5, 2.5]),
    "price": ("[] float64", [1.0, 2.0, 3.0]),
    "yes": ("[] bool", [True, False, True]),
    "maybe": ("[] float64", [1.0, None, 0.0]),
    "word": ("[] string", ["a", "", "ö"]),
    "kind": ("[] string", ["x", "y", "x"]),
    "day": ("[] string", ["2020-01-31", "2020-02-01", ""]),
    "vector": ("[2]", [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    "hole": ("[2] float64", [[1.0, 2.0], None, [5.0, 6.0]]),
    "list": ("[2]", [[1.0, 2.0], None, [5.0, 6.0]]),
    "grid": ("[1, 3] int64", [[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]]]),
    "time": ("[] float64", [1.5, None, -0.25]),
    "min.price": ("[] float64", [1.0, 2.0, None]),
    "min": ("[] int64", [4, 5, 6]),
}


def plain(values: np.ndarray) -> list[Any]:
    """A list in which None stands for what is NaN."""
    if values.dtype == object or values.dtype.kind in "bi":
        return values.tolist()
    return [None if np.isnan(row).all() else row.tolist() for row in values]


def test_types_and_missing_values(tmp_path: Path) -> None:
    table = save(tmp_path, COLUMNS)
    assert {name: str(column.tensor) for name, column in table.columns.items()} == {
        name: text for name, (text, _) in EXPECTED.items()
    }
    for name, values in table.read(list(EXPECTED)).items():
        assert plain(values) == EXPECTED[name][1], name
        assert values.dtype == (object if table.columns[name].text else table.columns[name].tensor.dtype), name


def test_a_streamed_file_gives_the_same(streamed: Path) -> None:
    table = save(streamed, COLUMNS, rows=2)
    assert table.streamed
    assert table.blocks == [2, 1]
    indices = np.array([2, 0, 0, 1])
    taken = table.take(list(EXPECTED), indices)
    for name, (_, values) in EXPECTED.items():
        assert plain(taken[name]) == [values[index] for index in indices], name
        assert taken[name].dtype == (object if table.columns[name].text else table.columns[name].tensor.dtype), name
    assert table.take(["word"], np.array([], int))["word"].shape == (0,)


def test_a_small_file_is_held(tmp_path: Path) -> None:
    table = save(tmp_path, {"x": np.arange(10.0)}, rows=4)
    assert not table.streamed
    assert table.blocks == [4, 4, 2]
    assert table.take(["x"], np.array([9, 0]))["x"].tolist() == [9.0, 0.0]


def test_large_row_groups_are_divided_in_a_copy_elsewhere(streamed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_LARGEST_GROUP", 200)
    monkeypatch.setattr(parquet, "_GROUP", 80)
    before = sorted(streamed.iterdir())
    table = save(streamed, {"x": np.arange(100.0), "tags": pa.array([["a"]] * 100)}, rows=100)
    assert table.blocks == [10] * 10
    assert table.take(["x"], np.array([99, 3]))["x"].tolist() == [99.0, 3.0]
    assert sorted(streamed.iterdir()) == sorted([*before, streamed / "a.parquet", streamed / "cache"])
    (copy,) = (streamed / "cache" / "data").iterdir()
    made = copy.stat().st_mtime_ns
    assert Parquet(path="a.parquet").open(streamed).blocks == [10] * 10
    assert copy.stat().st_mtime_ns == made, "it is made once"
    changed = save(streamed, {"x": -np.arange(100.0)}, rows=100)
    assert changed.take(["x"], np.array([7]))["x"].tolist() == [-7.0], "and anew when the file changes"
    assert len(list((streamed / "cache" / "data").iterdir())) == 1, "the old copy is removed"


def test_labels_are_counted_over_row_groups(streamed: Path) -> None:
    table = save(streamed, {"y": ["b", "a", "b", "c", "a"], "n": [3, 1, 3, 3, 1]}, rows=2)
    assert table.labels("y").values == ("a", "b", "c")
    assert table.labels("y").counts == (2, 2, 1)
    assert table.labels("n").values == (1, 3)


@pytest.mark.parametrize(
    ("values", "message", "where"),
    [
        ([1.0, 2.0, float("nan")], "column `x` holds a value that is not a finite number", "a.parquet, row 2"),
        ([1.0, float("inf"), 2.0], "column `x` holds a value that is not a finite number", "a.parquet, row 1"),
        ([1.0, None, None], "column `x` has 2 missing values", "a.parquet, row 1"),
    ],
)
def test_values_that_no_training_can_use(tmp_path: Path, values: list[Any], message: str, where: str) -> None:
    table = save(tmp_path, {"x": pa.array(values, pa.float64())}, rows=2)
    with pytest.raises(DataProblem) as caught:
        table.check(["x"])
    assert (caught.value.code, caught.value.message, caught.value.where) == ("E608", message, where)


def refused(folder: Path) -> DataProblem:
    with pytest.raises(DataProblem) as caught:
        table = Parquet(path="a.parquet").open(folder)
        _ = table.columns
        table.read(["x"])
    assert caught.value.where == "a.parquet"
    return caught.value


def test_missing_file(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "E601"


@pytest.mark.parametrize(("content", "word"), [(b"", "0 bytes"), (b"x,y\n1,2\n" * 10, "magic bytes")])
def test_not_a_parquet_file(tmp_path: Path, content: bytes, word: str) -> None:
    write(tmp_path, "a.parquet", content)
    found = refused(tmp_path)
    assert found.code == "E608"
    assert found.message.startswith("`a.parquet` is not a sound Parquet file: ")
    assert word in found.message


def test_cut_off(tmp_path: Path) -> None:
    save(tmp_path, {"x": np.arange(1000.0)})
    path = tmp_path / "a.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    assert refused(tmp_path).code == "E608"


def test_damaged_values(tmp_path: Path) -> None:
    save(tmp_path, {"x": np.random.default_rng(0).random(1000)})
    path = tmp_path / "a.parquet"
    raw = bytearray(path.read_bytes())
    raw[4:60] = bytes(56)
    path.write_bytes(raw)
    assert refused(tmp_path).code == "E608"


def test_no_rows(tmp_path: Path) -> None:
    save(tmp_path, {"x": pa.array([], pa.float64())})
    assert refused(tmp_path).message == "`a.parquet` has no rows"


def test_nothing_to_use(tmp_path: Path) -> None:
    save(tmp_path, {"x": pa.array([b"\0"])})
    assert refused(tmp_path).message == "`a.parquet` holds no column of numbers or text"


def test_a_type_that_no_model_takes_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    table = save(tmp_path, COLUMNS)
    with pytest.raises(DataProblem, match="column `both` holds values of type struct<x: int64>"):
        table.find("both", "column")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0], [2.0], [3.0, 4.0]], "1 in row 0, 2 in row 2"),
        ([None, [1.0, 2.0], []], "2 in row 1, 0 in row 2"),
        ([[[1], [2]], [[3], [4]], [[5], [6, 7]]], "1 in row 0, 2 in row 2"),
    ],
)
def test_lists_of_different_lengths_name_two_rows(tmp_path: Path, rows: list[Any], message: str) -> None:
    table = save(tmp_path, {"v": pa.array(rows), "x": [1, 2, 3]}, rows=2)
    assert list(table.columns) == ["x"]
    with pytest.raises(DataProblem) as caught:
        table.find("v", "column")
    assert caught.value.message == f"column `v` holds lists of different lengths: {message}"
    assert (caught.value.code, caught.value.where) == ("E608", "a.parquet, row 2")


def test_the_index_of_a_frame_is_no_column(tmp_path: Path) -> None:
    table = save(tmp_path, {"a": [1.0, 2.0], "__index_level_0__": [5, 7]})
    assert list(table.columns) == ["a"]
    assert [one.message for one in table.left_out] == [
        "`a.parquet` holds the index of a frame, as pandas writes it: left out"
    ]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    whole = pa.table([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    pq.write_table(whole, tmp_path / "a.parquet")
    with pytest.raises(DataProblem, match=r"`a\.parquet` has two columns named `a`") as caught:
        _ = Parquet(path="a.parquet").open(tmp_path).columns
    assert (caught.value.code, caught.value.option) == ("E608", "path")


def test_a_whole_number_beyond_the_largest_is_no_other_number(tmp_path: Path) -> None:
    table = save(tmp_path, {"a": pa.array([1, 2**63 + 5], pa.uint64()), "b": pa.array([1, 2**63 - 1], pa.uint64())})
    assert table.read(["b"])["b"].tolist() == [1, 2**63 - 1]
    with pytest.raises(DataProblem, match=r"holds one above 9,223,372,036,854,775,807") as caught:
        table.read(["a"])
    assert caught.value.code == "E608"


def test_texts_of_polars(tmp_path: Path) -> None:
    table = save(tmp_path, {"a": pa.array(["x", None], pa.string_view())})
    assert table.read(["a"])["a"].tolist() == ["x", ""]
