"""Workbooks for the tests of the source `excel`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from dlspec.data.sources.excel import Excel, ExcelTable


def workbook(folder: Path, rows: Sequence[Sequence[Any]], name: str = "a.xlsx", sheet: str = "people") -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "notes"
    page = book.create_sheet(sheet, 0)
    for row in rows:
        page.append(list(row))
    book.save(folder / name)
    return folder / name


def opened(folder: Path, **options: Any) -> ExcelTable:
    return Excel(path="a.xlsx", **options).open(folder)
