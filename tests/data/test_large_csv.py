"""CSV files larger than memory should hold: converted piece by piece, they read as small ones do."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from builders import tolerant, write

from dlspec.data.sources import csv_conversion
from dlspec.data.sources import csv_table as csv_source
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.csv_text import CsvText, Dialect

MIXED = "n,f,word,yes,day,gap,late\n" + "".join(
    f"{i},{i / 4},w{i % 5},{'true' if i % 3 else 'false'},2020-01-{i % 28 + 1:02},"
    f"{'' if i == 7 else i},{i if i < 90 else 'x'}\n"
    for i in range(100)
)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(csv_source, "CONVERTED_FROM", 100)
    monkeypatch.setattr(csv_conversion, "_PIECE", 500)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_large_file_is_converted_and_reads_as_a_small_one(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(large, "a.csv", MIXED)
    table = Csv(path="a.csv").open(large)
    assert table.blocks is not None and len(table.blocks) > 3
    monkeypatch.setattr(csv_source, "CONVERTED_FROM", 1 << 30)
    small = Csv(path="a.csv").open(large)
    assert table.columns == small.columns
    assert {name: column.tensor.dtype for name, column in small.columns.items()} == {
        "n": "int64", "f": "float64", "word": "string", "yes": "bool", "day": "string", "gap": "float64",
        "late": "string",
    }  # fmt: skip
    indices = np.array([99, 0, 7, 50])
    for name in small.columns:
        np.testing.assert_equal(table.take([name], indices)[name], small.take([name], indices)[name])
        assert table.labels("word") == small.labels("word")
    assert [path.name for path in large.iterdir() if path.is_file()] == ["a.csv"], "nothing is written beside it"
    assert table.where(3) == "a.csv, line 5"
    with pytest.raises(DataProblem, match="column `gap` has 1 missing value") as caught:
        table.check(["gap"])
    assert caught.value.where == "a.csv, line 9"


def reader_of(path: Path) -> csv_conversion.Reader:
    dialect = Dialect()
    return csv_conversion.Reader(CsvText(path, dialect, path.name), dialect)


def test_a_file_of_many_pieces_reads_as_one_of_a_single_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = MIXED.splitlines()
    ragged = "\n".join([*lines[:60], "1,2", *lines[60:]]) + "\n"
    for text, left_out in ((MIXED, 0), (ragged, 1), (MIXED.replace(",late", ",").replace(",x\n", ",\n"), 0)):
        write(tmp_path, "a.csv", text)
        tables = []
        for piece in (100, 500, 1 << 20):  # types are known by the first rows, are not, or by all rows at once
            monkeypatch.setattr(csv_conversion, "_PIECE", piece)
            reader = reader_of(tmp_path / "a.csv")
            tables.append(reader.whole())
            assert reader.ragged == left_out
        assert tables[0].schema == tables[1].schema == tables[2].schema
        assert tables[0].equals(tables[2]) and tables[1].equals(tables[2])


def test_no_thread_of_pyarrow_is_the_last_to_hold_what_skips_rows(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a,b\n1,x\n")
    reader = reader_of(tmp_path / "a.csv")
    reader.whole()
    held = weakref.ref(reader)
    del reader
    gc.collect()
    assert held() is not None, "the process would abort where such a thread ends after Python"


def test_a_large_file_leaves_out_what_a_small_one_does(large: Path) -> None:
    text = MIXED.replace("3,0.75,", "3,", 1)
    write(large, "a.csv", text)
    with pytest.raises(DataProblem, match=r"line 5 of `a\.csv` has 6 values, expected 7"):
        _ = Csv(path="a.csv").open(large).columns
    for _ in range(2):  # converted, then found in the cache
        table = tolerant(large, text)
        assert table.columns["n"].count == 99
        assert table.skipped == ["a.csv, line 5: 6 values, expected 7"]
        assert table.as_numbers("late")
        assert len(table.faults(["late"])) == 10


@pytest.mark.parametrize("copied_from", [1, 1 << 30])
def test_pieces_are_all_rows_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied_from: int) -> None:
    monkeypatch.setattr(csv_source, "CONVERTED_FROM", copied_from)
    monkeypatch.setattr(csv_conversion, "_PIECE", 64)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))
    write(tmp_path, "a.csv", "n,w\n" + "".join(f"{i},w{i}\n" for i in range(50)))
    pieces = list(Csv(path="a.csv").open(tmp_path).pieces(["n", "w"], 8))
    assert [len(piece["n"]) for piece in pieces] == [8] * 6 + [2]
    assert [value for piece in pieces for value in piece["n"].tolist()] == list(range(50))
    assert [value for piece in pieces for value in piece["w"].tolist()] == [f"w{i}" for i in range(50)]
