"""Excel workbooks as a source: types of cells, what is refused, and where a mistake stands."""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
from workbooks import opened, workbook

from dlspec.cli.main import run
from dlspec.core.errors import Problem
from tests.support import as_documented

NAMES = ("age", "city", "since", "seen", "member", "mixed", "share")
ROWS = (
    (40, "Graz", date(2024, 1, 31), datetime(2024, 1, 31, 9, 30), True, 7, 0.5),
    (None, None, date(2024, 2, 1), datetime(2024, 2, 1), False, "n/a", 2),
    (41, "Cork", date(2024, 2, 2), datetime(2024, 2, 2, 23, 59, 1), True, time(9, 30), None),
)


def test_types_and_gaps(tmp_path: Path) -> None:
    workbook(tmp_path, [NAMES, *ROWS])
    table = opened(tmp_path)
    types = {name: str(column.tensor) for name, column in table.columns.items()}
    assert types == {
        "age": "[] float64", "city": "[] string", "since": "[] string", "seen": "[] string", "member": "[] bool",
        "mixed": "[] string", "share": "[] float64",
    }  # fmt: skip
    found = table.read(types)
    np.testing.assert_array_equal(found["age"], [40, np.nan, 41])
    np.testing.assert_array_equal(found["share"], [0.5, 2, np.nan])
    assert found["city"].tolist() == ["Graz", "", "Cork"]
    assert found["since"].tolist() == ["2024-01-31", "2024-02-01", "2024-02-02"]
    assert found["seen"].tolist() == ["2024-01-31 09:30:00", "2024-02-01 00:00:00", "2024-02-02 23:59:01"]
    assert found["member"].tolist() == [True, False, True]
    assert found["mixed"].tolist() == ["7", "n/a", "09:30:00"]
    with pytest.raises(Problem, match="column `age` has 1 missing value") as caught:
        table.check(["age"])
    assert caught.value.where == "a.xlsx, row 3"


def test_whole_numbers_durations_and_what_pandas_writes(tmp_path: Path) -> None:
    workbook(tmp_path, [(None, "id", "took", 2024), (0, 2**40, timedelta(minutes=2), "a"), (1, 5, timedelta(1), "b")])
    table = opened(tmp_path)
    assert [one.message for one in table.left_out] == [
        "the first column of `a.xlsx` has no name, as pandas' index: left out"
    ]
    found = table.read(table.columns)
    assert list(found) == ["id", "took", "2024"]
    assert found["took"].tolist() == [120, 86400] and found["id"].dtype == np.int64


def test_a_sheet_of_several_below_a_title(tmp_path: Path) -> None:
    workbook(tmp_path, [("Answers of 2026",), (), (), ("x", "y"), (1, "-"), (), (3, 4)], sheet="answers")
    table = opened(tmp_path, sheet="answers", skip_rows=1, missing_words=("-",))
    found = table.read(["x", "y"])
    assert found["x"].tolist() == [1, 3] and str(found["y"].tolist()) == "[nan, 4.0]"
    assert table.where(1) == "a.xlsx, row 7"
    with pytest.raises(Problem, match=r"`a\.xlsx` has no sheet `answer`") as caught:
        _ = opened(tmp_path, sheet="answer").columns
    assert caught.value.help == "did you mean `answers`?"


def test_without_openpyxl_the_way_to_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook(tmp_path, [NAMES, *ROWS])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(Problem, match=r"reading `a\.xlsx` needs openpyxl") as caught:
        _ = opened(tmp_path).columns
    assert caught.value.help.startswith("pip install 'dlspec[excel]'")


def test_from_a_workbook_to_a_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    areas, kinds = rng.random(80), rng.integers(0, 3, 80)
    rows = [(area, "abc"[kind], 3 * area + kind) for area, kind in zip(areas.tolist(), kinds.tolist(), strict=True)]
    workbook(tmp_path, [("area", "kind", "price"), *rows], name="houses.xlsx")
    monkeypatch.chdir(tmp_path)
    assert run(["init", "houses.xlsx", "--target", "price"]) == 0
    assert "excel: houses.xlsx" in Path("houses.yaml").read_text(encoding="utf-8")
    assert run(["check", "houses.yaml"]) == 0
    capsys.readouterr()
    assert run(["data", "houses.xlsx", "--format", "json"]) == 0
    assert as_documented("output/data", capsys.readouterr().out)
    assert run(["export", "houses.yaml", "--project", "project"]) == 1
    assert "does not support an Excel workbook" in capsys.readouterr().err and not Path("project").exists()
