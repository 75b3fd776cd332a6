"""Sheets of Excel workbooks: a row of names, and an example a row."""

from __future__ import annotations

import datetime
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.components.registry import example, integer, optional, text, texts
from dlspec.core.errors import did_you_mean
from dlspec.data.sources.base import DataProblem, Source, Table
from dlspec.data.sources.limits import check_memory, check_unfolded
from dlspec.data.sources.paths import locate
from dlspec.data.sources.remarks import LeftOut
from dlspec.data.sources.typed import WholeTable

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Any, ...]

# The XML of a workbook takes so many times as much as Python's values.
_PARSED = 4
# What Excel shows where a value is not available; its other errors are mistakes.
_MISSING = "#N/A"
_ERRORS = ("#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")
_LARGEST = 2**63
_MIDNIGHT = datetime.time()


class Excel(Source):
    """A sheet of an Excel workbook (.xlsx): numbers, texts, dates and truth by the names in its first row."""

    shorthand = "path"
    suffixes = (".xlsx", ".xlsm")
    path = text(doc="The workbook, from the spec's folder.")
    sheet = optional(text(), doc="The sheet; the first one unless given.")
    skip_rows = integer(min=0, default=0, doc="Rows above the one that names the columns.")
    missing_words = optional(texts(), doc=f"Words for a missing value, beside the empty cell and {_MISSING}.")
    examples = (
        example("sales.xlsx"),
        example("{path: survey.xlsx, sheet: answers, skip_rows: 2, missing_words: ['-']}"),
    )

    @property
    def gaps(self) -> tuple[str, ...]:
        """Words that stand for a missing value since the spec says so."""
        return tuple(self.missing_words or ())

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """A refusal: projects read no workbooks."""
        return {"refused": "an Excel workbook, which can be saved as CSV or Parquet"}

    def open(self, folder: Path, *, allow_outside: bool = False) -> ExcelTable:
        """Finds the file."""
        path = locate(self.path, folder, allow_outside=allow_outside)
        return ExcelTable(path, self.path, self.sheet or "", self.skip_rows, self.gaps)


class _Sheet(NamedTuple):
    """The rows of a sheet that hold a value, and what they are called.

    Attributes:
        names: Of the columns that have one.
        before: How many columns without a name hold values before them, as pandas writes its index.
        rows: Their values, without those columns.
        numbers: The number of each row in the sheet, from 1.
    """

    names: Sequence[str]
    before: int
    rows: Sequence[Row]
    numbers: Sequence[int]


class ExcelTable(WholeTable):
    """One sheet, read whole by openpyxl.

    Args:
        path: The file.
        shown: The file as the spec writes it.
        sheet: The sheet; "" for the first one.
        skip_rows: Rows above the names.
        gaps: Words for a missing value.
    """

    def __init__(self, path: Path, shown: str, sheet: str, skip_rows: int, gaps: Sequence[str]) -> None:
        self._path, self._shown = path, shown
        self._wanted, self._skip_rows, self._gaps = sheet, skip_rows, frozenset((*gaps, _MISSING, ""))

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Columns without a name at the start, as pandas writes the index of a frame."""
        if not self._sheet.before:
            return ()
        message = f"the first column of `{self._shown}` has no name, as pandas' index: left out"
        return (LeftOut(message, "write the file with `index=False`, or name what is meant to be used"),)

    def where(self, index: int) -> str:
        """File and row of the sheet: blank rows are none."""
        return f"{self._shown}, row {self._sheet.numbers[index]}"

    @property
    def _file(self) -> str:
        return self._shown

    @cached_property
    def _whole(self) -> pa.Table:
        import pyarrow as pa

        sheet = self._sheet
        columns = zip(*sheet.rows, strict=True)
        arrays = [self._array_of(values, index) for index, values in enumerate(columns)]
        return pa.table(dict(zip(sheet.names, arrays, strict=True)))

    def _array_of(self, values: Sequence[Any], column: int) -> pa.Array:
        """The values of one column in the type that all of them have; as texts where they differ."""
        import pyarrow as pa

        known = [None if isinstance(value, str) and value.strip() in self._gaps else value for value in values]
        for row, value in enumerate(known):
            if isinstance(value, str) and value in _ERRORS:
                message = f"column `{self._sheet.names[column]}` holds Excel's error `{value}`"
                raise self._problem(message, "mend the formula, or empty the cell", self._sheet.numbers[row])
        kinds = {_kind(value) for value in known if value is not None}
        if kinds <= {int} and all(value is None or abs(value) < _LARGEST for value in known):
            return pa.array(known, pa.int64() if kinds else pa.null())
        if kinds <= {int, float}:
            return pa.array([None if value is None else float(value) for value in known], pa.float64())
        if kinds in ({bool}, {datetime.timedelta}):
            return pa.array(known)
        dated = all(not isinstance(value, datetime.datetime) or value.time() == _MIDNIGHT for value in known)
        return pa.array([None if value is None else _written(value, dated) for value in known], pa.string())

    # --- the file ---------------------------------------------------------------------------------------------------

    @cached_property
    def _sheet(self) -> _Sheet:
        """The rows below the names.

        Raises:
            DataProblem: E601, E608, E609.
        """
        self._check_size()
        rows = self._rows_of(values=True)
        names = next((row for row in rows if _holds(row)), (0, ()))
        filled_rows = [row for row in rows if _holds(row)]
        if not filled_rows:
            raise self._problem(
                f"{self._shown_sheet} has no rows", "its first row names the columns, examples stand below"
            )
        width = max(len(row) for _, row in (names, *filled_rows))
        filled = [row + (None,) * (width - len(row)) for _, row in filled_rows]
        if any(None in row for row in filled):
            self._check_formulas()
        title = tuple(None if name is None else _written(name, dated=True) for name in names[1])
        title += (None,) * (width - len(title))
        used, before = self._named(title, filled, names[0])
        return _Sheet(
            [str(title[index]) for index in used],
            before,
            [tuple(row[index] for index in used) for row in filled],
            [number for number, _ in filled_rows],
        )

    def _named(self, title: Row, rows: Sequence[Row], number: int) -> tuple[list[int], int]:
        """The places of the columns with a name, and how many without one hold values before them."""
        used = [index for index, name in enumerate(title) if name is not None and str(name).strip()]
        if not used:
            raise self._problem(
                f"no column of {self._shown_sheet} has a name", "its first row names the columns", number
            )
        before = 0
        for index in set(range(len(title))) - set(used):
            if all(row[index] is None for row in rows):
                continue
            if index > used[0]:
                message = f"column {_letters(index)} of {self._shown_sheet} has no name"
                raise self._problem(message, "the first row has a name for every column", number)
            before += 1
        names = [title[index] for index in used]
        twice = next((name for index, name in enumerate(names) if name in names[:index]), None)
        if twice is not None:
            message = f"{self._shown_sheet} has two columns named `{twice}`"
            raise self._problem(message, "give each a name of its own", number)
        return used, before

    def _check_formulas(self) -> None:
        """No cell without a value holds a formula: a program that has not computed it has written the file."""
        computed = dict(self._rows_of(values=True))
        for number, row in self._rows_of(values=False):
            values = (*computed.get(number, ()), *[None] * len(row))
            for index, formula in enumerate(row):
                if values[index] is None and isinstance(formula, str) and formula.startswith("="):
                    message = f"cell {_letters(index)}{number} of {self._shown_sheet} holds a formula without its value"
                    raise self._problem(message, "open the file in a spreadsheet program, and save it there", number)

    def _rows_of(self, *, values: bool) -> Iterator[tuple[int, Row]]:
        """The rows from that of the names on, each with its number in the sheet.

        Args:
            values: What formulas gave when the file was saved, rather than the formulas.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of colours and of rules for cells that it leaves out
            book = self._opened(values)
            try:
                sheet = self._chosen(book)
                sheet.reset_dimensions()  # what some programs write there is wrong
                first = 1 + self._skip_rows
                yield from enumerate(sheet.iter_rows(min_row=first, values_only=True), first)
            finally:
                book.close()

    def _opened(self, values: bool) -> Any:
        if find_spec("openpyxl") is None:
            message = f"reading `{self._shown}` needs openpyxl, which is not installed"
            raise self._problem(message, "pip install 'dlspec[excel]', or save the sheet as CSV")
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            return openpyxl.load_workbook(self._path, read_only=True, data_only=values, keep_links=False)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
            raise self._problem(f"`{self._shown}` is not a sound Excel workbook: {error}") from error
        except OSError as error:
            raise self._unreadable(error) from error

    def _chosen(self, book: Any) -> Any:
        names = [sheet.title for sheet in book.worksheets]
        if not names:
            raise self._problem(f"`{self._shown}` holds no sheet of cells")
        if self._wanted and self._wanted not in names:
            message = f"`{self._shown}` has no sheet `{self._wanted}`"
            raise DataProblem("E608", message, did_you_mean(self._wanted, names, guess=True), "sheet", self._shown)
        return book[self._wanted or names[0]]

    def _check_size(self) -> None:
        """Refuses what memory cannot hold, before it is unpacked."""
        try:
            with zipfile.ZipFile(self._path) as archive:
                size = sum(member.file_size for member in archive.infolist())
        except zipfile.BadZipFile as error:
            help = "workbooks of before 2007 (.xls) must be saved as .xlsx"
            raise self._problem(f"`{self._shown}` is not an Excel workbook", help) from error
        except OSError as error:
            raise self._unreadable(error) from error
        check_unfolded(size, self._path.stat().st_size, f"`{self._shown}`", self._shown)
        check_memory(size * _PARSED, f"`{self._shown}`", self._shown)

    @property
    def _shown_sheet(self) -> str:
        """The sheet in words."""
        return f"sheet `{self._wanted}` of `{self._shown}`" if self._wanted else f"`{self._shown}`"

    def _unreadable(self, error: OSError) -> DataProblem:
        message = f"cannot read `{self._shown}`: {error.strerror or error}"
        return DataProblem("E601", message, "", "path", self._shown)

    def _problem(self, message: str, help: str = "", row: int = 0) -> DataProblem:
        return DataProblem("E608", message, help, "path", f"{self._shown}, row {row}" if row else self._shown)


def _holds(row: tuple[int, Row]) -> bool:
    """Whether a cell of a row has a value."""
    return any(value is not None and value != "" for value in row[1])


def _kind(value: Any) -> type:
    """The type of a cell, which decides that of its column."""
    kinds: Iterable[type] = (bool, int, float, datetime.timedelta)
    return next((kind for kind in kinds if isinstance(value, kind)), str)


def _written(value: Any, dated: bool) -> str:
    """A value as a file of CSV would hold it.

    Args:
        dated: Whether points in time are days, without hours.
    """
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if dated else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def _letters(number: int) -> str:
    """Excel's name of a column, whose place counts from 0: ``A``, ``Z``, ``AA``."""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
