"""CSV files, read by pyarrow; rows and lines of mistakes are found by a second look with Python's own reader."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Source, Table, locate
from dlspec.ir import Tensor
from dlspec.registry import example, text

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


# Written for a value that is missing.
_MISSING = ("", "NA", "N/A", "#N/A", "nan", "NaN", "null", "NULL")


class Csv(Source):
    """A text file with one example a row and a first row of column names."""

    shorthand = "path"
    path = text(doc="The file, from the spec's folder.")
    delimiter = text(default=",", pattern=r"^[^\n\r\"]$", doc="The character between two values.")
    examples = (example("churn.csv"), example('{path: listing.csv, delimiter: ";"}'))

    def open(self, folder: Path, *, allow_outside: bool = False) -> CsvTable:
        """Finds the file."""
        return CsvTable(locate(self.path, folder, allow_outside=allow_outside), self.path, self.delimiter)


class CsvTable(Table):
    """A CSV file: columns of numbers, of ``true``/``false``, or of text."""

    def __init__(self, path: Path, shown: str, delimiter: str) -> None:
        self._path = path
        self._shown = shown
        self._delimiter = delimiter

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Types as pyarrow infers them from all rows; dates stay text."""
        table = self._table
        return {
            name: Column(Tensor((), _dtype(table.schema.field(name).type)), table.num_rows)
            for name in table.column_names
        }

    def read(self, names: Iterable[str]) -> Arrays:
        """Columns of shape [rows]. A missing value in a column of numbers is an error."""
        return {name: self._values(name) for name in names}

    def where(self, index: int) -> str:
        """File and line: rows may span lines, and blank lines are skipped."""
        for number, (line, _) in enumerate(self._rows()):
            if number == index:
                return f"{self._shown}, line {line}"
        return self._shown

    def check(self, names: Sequence[str]) -> None:
        """No number is missing, in a column of whole numbers either, and all are finite."""
        for name in names:
            self._values(name)
        super().check(names)

    def _values(self, name: str) -> np.ndarray[Any, Any]:
        column = self._table.column(name)
        if self.columns[name].text:
            values: np.ndarray[Any, Any] = column.to_numpy().astype(object)
            return values
        if column.null_count:
            index = column.is_null().to_pylist().index(True)
            message = f"column `{name}` has {column.null_count} missing value{'s' if column.null_count > 1 else ''}"
            raise DataProblem("E608", message, "fill or drop these rows", where=self.where(index))
        numbers: np.ndarray[Any, Any] = column.to_numpy()
        return numbers

    @cached_property
    def _table(self) -> pa.Table:
        import pyarrow as pa

        self._check_header()
        table = self._parse({})
        dates = {field.name: pa.string() for field in table.schema if pa.types.is_temporal(field.type)}
        return self._checked(self._parse(dates) if dates else table)

    def _parse(self, types: dict[str, pa.DataType]) -> pa.Table:
        """Reads the file with the types that pyarrow finds, but for those given."""
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        ragged: list[Any] = []

        def keep(row: Any) -> str:
            ragged.append(row)
            return "skip"

        parse = pa_csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=keep)
        convert = pa_csv.ConvertOptions(null_values=list(_MISSING), column_types=types)
        try:
            with self._path.open("rb") as stream:
                table = pa_csv.read_csv(stream, parse_options=parse, convert_options=convert)
        except OSError as error:
            raise self._problem("E601", f"cannot read `{self._shown}`: {error.strerror or error}") from error
        except pa.ArrowInvalid as error:
            raise self._problem("E608", f"`{self._shown}` is not a CSV file: {error}") from error
        if ragged:
            raise self._ragged(len(table.column_names), len(ragged))
        return table

    def _checked(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        if table.num_rows == 0:
            raise self._problem("E608", f"`{self._shown}` has a header and no rows")
        for field in table.schema:
            if pa.types.is_binary(field.type):
                raise self._problem("E608", f"column `{field.name}` is not UTF-8", "save the file as UTF-8")
            if pa.types.is_null(field.type):
                raise self._problem("E608", f"column `{field.name}` is empty in every row", "remove the column")
        return table

    def _check_header(self) -> None:
        try:
            with self._path.open("rb") as stream:
                first = stream.readline(1 << 20)
        except OSError as error:
            raise self._problem("E601", f"cannot read `{self._shown}`: {error.strerror or error}") from error
        if not first:
            raise self._problem("E608", f"`{self._shown}` is empty", "its first row names the columns")
        try:
            header = next(csv.reader([first.decode("utf-8-sig")], delimiter=self._delimiter), [])
        except UnicodeDecodeError as error:
            raise self._problem("E608", f"`{self._shown}` is not UTF-8", "save the file as UTF-8") from error
        for position, name in enumerate(header):
            if not name.strip():
                raise self._problem("E608", f"column {position + 1} of `{self._shown}` has no name", line=1)
            if name in header[:position]:
                raise self._problem("E608", f"`{self._shown}` has two columns named `{name}`", line=1)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and values of each row after the header, blank lines skipped as pyarrow does."""
        with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            reader = csv.reader(stream, delimiter=self._delimiter)
            next(reader, None)
            before = reader.line_num
            for row in reader:
                if row:
                    yield before + 1, row
                before = reader.line_num

    def _ragged(self, width: int, count: int) -> DataProblem:
        for line, row in self._rows():
            if len(row) != width:
                more = f" (and {count - 1} more rows like it)" if count > 1 else ""
                message = f"line {line} of `{self._shown}` has {len(row)} values, expected {width}{more}"
                return self._problem("E608", message, "quote values that contain the delimiter", line=line)
        return self._problem("E608", f"{count} rows of `{self._shown}` do not have {width} values")

    def _problem(self, code: str, message: str, help: str = "", line: int = 0) -> DataProblem:
        where = f"{self._shown}, line {line}" if line else self._shown
        return DataProblem(code, message, help, "path", where)


def _dtype(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_integer(kind):
        return "int64"
    return "float64" if pa.types.is_floating(kind) else TEXT
