"""Broken Excel workbooks: what is said, and where the mistake stands."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from builders import write
from workbooks import opened, workbook

from dlspec.core.errors import Problem


@pytest.mark.parametrize(
    ("rows", "message", "where"),
    [
        ([], "`a.xlsx` has no rows", ""),
        ([("x", "y")], "`a.xlsx` has no rows", ""),
        ([("x", "x"), (1, 2)], "`a.xlsx` has two columns named `x`", ", row 1"),
        ([("x", None, "y"), (1, 2, 3)], "column B of `a.xlsx` has no name", ", row 1"),
        ([("x", "y"), (1, 2), (1, "#DIV/0!")], "column `y` holds Excel's error `#DIV/0!`", ", row 3"),
        ([("x", "y"), (1, "=A2*2")], "cell B2 of `a.xlsx` holds a formula without its value", ", row 2"),
    ],
)
def test_bad_files(tmp_path: Path, rows: list[tuple[Any, ...]], message: str, where: str) -> None:
    workbook(tmp_path, rows)
    with pytest.raises(Problem) as caught:
        _ = opened(tmp_path).columns
    assert (caught.value.code, caught.value.message, caught.value.where) == ("E608", message, f"a.xlsx{where}")
    assert caught.value.help


def test_what_is_no_workbook(tmp_path: Path) -> None:
    write(tmp_path, "a.xlsx", b"\xd0\xcf\x11\xe0....")
    with pytest.raises(Problem, match="is not an Excel workbook") as caught:
        _ = opened(tmp_path).columns
    assert "saved as .xlsx" in caught.value.help
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("x.txt", "x")
    with pytest.raises(Problem, match="is not a sound Excel workbook"):
        _ = opened(tmp_path).columns
