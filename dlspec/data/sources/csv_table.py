"""One CSV file, read by pyarrow; lines of mistakes are found by a second look with Python's own reader."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem, suggestions
from dlspec.data.sources.arrow import ArrowTable
from dlspec.data.sources.base import Arrays, Column, DataProblem
from dlspec.data.sources.cache import converted
from dlspec.data.sources.csv_advice import advice
from dlspec.data.sources.csv_conversion import RAGGED, Reader
from dlspec.data.sources.csv_header import Names, check_header, is_number, nameless, not_utf8, values_for_names
from dlspec.data.sources.csv_text import CsvText, Dialect, by_own_names
from dlspec.data.sources.parquet import ParquetTable
from dlspec.data.sources.remarks import Contents, LeftOut

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# Files larger than this (bytes) are converted once to Parquet, and read from there.
CONVERTED_FROM = 256 << 20
# Rows left out that are described one by one.
_DESCRIBED = 5
# Rows that are compared with the first one, where that has another number of values.
_COMPARED = 100
csv.field_size_limit(1 << 30)  # a cell may hold a whole document


class CsvTable(ArrowTable):
    """A CSV file: columns of numbers, of ``true``/``false``, or of text."""

    def __init__(self, path: Path, shown: str, dialect: Dialect | None = None) -> None:
        self._path, self._shown = path, shown
        self._given = by_own_names(path, dialect or Dialect(), shown)
        self._text = CsvText(path, self._given, shown)
        self._ragged = 0  # rows that were left out
        self.plain, self.missing_words = self._given.plain, self._given.missing

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Types as pyarrow infers them from all rows; dates stay text."""
        self.stated = self.stated.also(frozenset(self._given.texts)).also(self.stated.kept)
        columns = self._copy.columns if self._copy is not None else super().columns
        self._check_behind()
        _ = self.skipped
        return columns

    def check_named(self) -> None:
        """Columns whose type the spec states are there, and hold such values.

        Raises:
            Problem: E602, E603.
        """
        for option in ("texts", "numbers"):
            for name in getattr(self._given, option):
                if name not in self.columns:
                    raise Problem("E602", f"the source has no column `{name}`", self._known(name), option)
        for name in self._given.numbers if not self.tolerant else ():
            if self.columns[name].text and (value := self.not_a_number(name)) is not None:
                message = f"column `{name}` holds `{value[0][:40]}`, expected a number"
                raise DataProblem("E603", message, "correct the value, or leave the column out", "numbers", value[1])

    @property
    def _file(self) -> str:
        return self._shown

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the rows are too large to be kept."""
        return self._copy is not None and self._copy.streamed

    @property
    def blocks(self) -> Sequence[int] | None:  # type: ignore[override]
        """Numbers of rows of the blocks of the converted copy; None where the file is small and has no copy."""
        return self._copy.blocks if self._copy is not None else None

    @cached_property
    def skipped(self) -> Sequence[str]:  # type: ignore[override]
        """Rows with too few or too many values."""
        if not self._ragged:
            return ()
        width = self._width
        lines = (f"line {line}: {_values(row)}, expected {width}" for line, row in self._rows() if len(row) != width)
        described = [f"{self._shown}, {line}" for line in islice(lines, _DESCRIBED)]
        return [*described, *[f"{self._shown}: another such row"] * (self._ragged - len(described))]

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Columns without a name at the start, as pandas writes the index of a frame."""
        if not self._names.before:
            return ()
        columns = "the first column" if self._names.before == 1 else f"the first {self._names.before} columns"
        verb = "has" if self._names.before == 1 else "have"
        message = f"{columns} of `{self._shown}` {verb} no name, as pandas' index: left out"
        help = "write the file with `index=False`, or name what is meant to be used"
        return (LeftOut(message, help, of_frame=True),)

    def read(self, names: Iterable[str]) -> Arrays:
        """Columns of shape [rows]."""
        names = list(names)
        if self._copy is not None:
            return self._copy.read(names)
        return self._arrays(self._whole.select(names), names)

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """Rows by number."""
        return self._copy.take(names, indices) if self._copy is not None else super().take(names, indices)

    def whole(self, name: str) -> np.ndarray[Any, Any]:
        """All values of a column, kept for the next call."""
        return self._copy.whole(name) if self._copy is not None else super().whole(name)

    def where(self, index: int) -> str:
        """File and line: rows may span lines, and blank lines are skipped."""
        if self._plain:
            return f"{self._shown}, line {index + 1 + self._before}"
        known, further = self._lines
        while len(known) <= index:
            line = next(further, None)
            if line is None:
                return self._shown
            known.append(line)
        return f"{self._shown}, line {known[index]}"

    @cached_property
    def _plain(self) -> bool:
        """Whether every row of the file is one line: it has as many lines as rows and a header."""
        lines = self._text.count_lines()
        return lines == self._before + max(column.count for column in self.columns.values())

    @property
    def _before(self) -> int:
        """Number of lines before the first example, where every row is one line."""
        return self._given.skip_rows + self._names.row

    @cached_property
    def _lines(self) -> tuple[list[int], Iterator[int]]:
        """The lines of the first rows, as far as they were asked for, and of those after them."""
        width = self._width
        return [], (line for line, row in self._rows() if len(row) == width)

    def check(self, names: Sequence[str]) -> None:
        """No number is missing, and all are finite."""
        import numpy as np

        for name in names:
            missing = self._missing.get(name, 0)
            if missing and self.columns[name].tensor.floating:
                index = next(
                    start + int(np.isnan(arrays[name]).argmax())
                    for start, arrays in self._pieces([name])
                    if np.isnan(arrays[name]).any()
                )
                message = f"column `{name}` has {missing} missing value{'s' if missing > 1 else ''}"
                help = "say what becomes of such examples, as in `missing: median` or `missing: drop`"
                raise DataProblem("E608", message, help, where=self.where(index))
        super().check(names)

    def contents(self, name: str, help: str) -> Contents:
        """The content of a text column; the help names the option of the source that would read it as numbers."""
        contents = super().contents(name, help)
        if not self.columns[name].text:
            return contents
        labels = super().labels(name)
        counts = {str(value): count for value, count in zip(labels.values, labels.counts, strict=True)}
        return contents._replace(help=advice(name, counts, self._given) or contents.help)

    def as_numbers(self, name: str) -> bool:
        """Takes a column of text for numbers, if at least half of its values are some."""
        return self._copy.as_numbers(name) if self._copy is not None else super().as_numbers(name)

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Rows with words in columns that are taken for numbers."""
        return self._copy.faults(names) if self._copy is not None else super().faults(names)

    def strange(self, names: Sequence[str]) -> Problem | None:
        """The problem that the row of names is missing, where names are numbers and none of `names` is there."""
        number = next((known for known in self.columns if is_number(known)), None)
        if number is None or any(name in self.columns for name in names):
            return super().strange(names)
        return values_for_names(number, self._shown, self._width)

    def _known(self, name: str) -> str:
        return super()._known(name) if suggestions(name, self.columns) else self.known_columns

    @property
    def known_columns(self) -> str:
        """A sentence that lists the columns, and where their names stand."""
        return super().known_columns.replace("its columns are", "its first row names the columns:")

    def forget(self) -> None:
        """Lets go of columns that :meth:`take` has kept in memory."""
        super().forget()
        if self._copy is not None:
            self._copy.forget()

    def kind(self, name: str) -> pa.DataType:
        """The type of a column in Arrow."""
        return self._kinds[name]

    def types(self, names: Iterable[str]) -> dict[str, str]:
        """The types of some columns in pyarrow's words."""
        kinds = self._kinds
        return {name: str(kinds[name]) for name in names}

    def parsing(self) -> dict[str, Any]:
        """Options of pyarrow's parser: delimiter and quotes."""
        other = {"delimiter": self._given.delimiter} if self._given.delimiter != "," else {}
        return {**other, **({"newlines_in_values": True} if self._text.quoted else {})}

    @property
    def packed(self) -> str:
        """pyarrow's name of the compression; "" without one."""
        return self._text.packed

    @property
    def encoding(self) -> str:
        """The file's encoding; "" for UTF-8."""
        return "" if self._given.utf8 else self._given.encoding

    def rewritten(self, names: Iterable[str]) -> list[str]:
        """Columns of numbers that Arrow does not read as they are written."""
        return [name for name in names if self._given.rewrites(name) and not self.columns[name].text]

    # --- what Arrow knows -------------------------------------------------------------------------------------------

    @cached_property
    def _count(self) -> int:
        count: int = self._whole.num_rows
        return count

    @cached_property
    def _kinds(self) -> Mapping[str, pa.DataType]:
        if self._copy is not None:
            return self._copy._kinds
        return {field.name: field.type for field in self._whole.schema}

    @cached_property
    def _missing(self) -> Mapping[str, int]:
        if self._copy is not None:
            return self._copy._missing
        named = zip(self._whole.column_names, self._whole.itercolumns(), strict=True)
        return {name: column.null_count for name, column in named}

    def _tables(self, names: list[str]) -> Iterator[pa.Table]:
        if self._copy is not None:
            return self._copy._tables(names)
        return iter([self._whole.select(names)])

    # --- the file ---------------------------------------------------------------------------------------------------

    @cached_property
    def dialect(self) -> Dialect:
        """The dialect of the file, completed by its header."""
        names = self._names
        return self._given._replace(
            names=() if names.row else names.used,
            used=() if names.whole else names.used,
            texts=tuple(sorted(self.stated.texts)),
        )

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._text, self.dialect)

    @cached_property
    def _whole(self) -> pa.Table:
        """All rows, in memory."""
        table = self._parsed(self._reader.whole)
        self._ragged = self._reader.ragged
        self._check_columns(table.schema, table.num_rows)
        return table

    @cached_property
    def _copy(self) -> ParquetTable | None:
        """A Parquet copy of the rows, for a file too large to be parsed whole; else None."""
        if self._parsed(lambda: self._text.size) <= CONVERTED_FROM:
            return None
        path = converted(self._path, f"csv 3 {self.tolerant} {tuple(self.dialect)}", ".parquet", self._convert)
        table = ParquetTable(path, self._shown)
        table.stated, table.plain, table.missing_words = self.stated, self.plain, self.missing_words
        self._ragged = int(table.note(RAGGED))
        return table

    def _convert(self, target: Path) -> None:
        import pyarrow as pa

        kinds = self._parsed(self._reader.kinds)
        self._check_columns(pa.schema(list(kinds.items())), len(kinds))
        self._parsed(lambda: self._reader.write(target, kinds))

    def _parsed(self, parse: Any) -> Any:
        """The result of `parse`; its failure becomes a problem with the file.

        Raises:
            DataProblem: E601 the file cannot be read, E608 its content is broken.
        """
        import pyarrow as pa

        try:
            result = parse()
        except OSError as error:
            raise self._problem("E601", f"cannot read `{self._shown}`: {error.strerror or error}") from error
        except UnicodeError as error:
            message = f"`{self._shown}` is not in the encoding `{self._given.encoding}`"
            raise self._problem("E608", message, "look at `encoding`") from error
        except pa.ArrowInvalid as error:
            raise self._problem("E608", f"`{self._shown}` is not a CSV file: {error}") from error
        if self._reader.ragged and not self.tolerant:
            raise self._uneven(self._reader.ragged)
        return result

    def _check_columns(self, schema: pa.Schema, rows: int) -> None:
        import pyarrow as pa

        if rows == 0 and self._ragged:
            raise self._problem("E608", f"no row of `{self._shown}` has as many values as the header")
        if rows == 0:
            message = f"`{self._shown}` has a single row, which is taken for the names of its columns, and no examples"
            raise self._problem("E608", message, "if it is an example, name the columns: `names`")
        for field in schema:
            if pa.types.is_binary(field.type):
                line, content = self._text.not_utf8()
                raise not_utf8(f"column `{field.name}`", content, f"{self._shown}, line {line}")

    def _check_behind(self) -> None:
        """Columns without a name at the end are empty: each row ends in a delimiter.

        Raises:
            DataProblem: E608, they are not.
        """
        behind = self._names.behind
        if behind and any(value.strip() for _, row in self._rows() for value in row[self._width - behind :]):
            raise nameless(self._width - behind + 1, self._shown)

    @cached_property
    def _names(self) -> Names:
        """Names of the columns from the first row.

        Raises:
            DataProblem: E601 the file cannot be read, E608 it does not name the columns.
        """
        try:
            return check_header(self._text, self._given, self._shown)
        except OSError as error:
            raise self._problem("E601", f"cannot read `{self._shown}`: {error.strerror or error}") from error

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and values of each row after the header, blank lines skipped as pyarrow does."""
        skip = self._given.skip_rows
        reader = csv.reader(self._text.lines(skip), delimiter=self._given.character)
        if self._names.row:
            next(reader, None)
        before = skip + reader.line_num
        for row in reader:
            if row:
                yield before + 1, row
            before = skip + reader.line_num

    @cached_property
    def _width(self) -> int:
        """Number of values of the header."""
        if not self._names.row:
            return len(self._names.used)
        return len(next(csv.reader(self._text.lines(self._given.skip_rows), delimiter=self._given.character)))

    def _uneven(self, count: int) -> DataProblem:
        width, first = self._width, 1 + self._given.skip_rows
        if (other := self._other_width()) is not None:
            if not self._names.row:
                named = f"`names` has {width} name{'s' if width > 1 else ''}"
                message = f"{named}, the rows of `{self._shown}` have {other} values"
                return DataProblem("E608", message, "name all columns in their order", "names", self._shown)
            message = f"the first row of `{self._shown}` has {_values(width * [''])}, all others have {other}"
            help = f"the first row names the columns: pass over what stands before it: `skip_rows: {first}`"
            raise self._problem("E608", message, help, line=first)
        line, row = next(((line, row) for line, row in self._rows() if len(row) != width), (1, [""] * width))
        more = f" (and {count - 1} more rows like it)" if count > 1 else ""
        message = f"line {line} of `{self._shown}` has {_values(row)}, expected {width}{more}"
        help = "quote values that contain the delimiter, or leave such rows out: `bad: skip` in `data`"
        return self._problem("E608", message, help, line=line)

    def _other_width(self) -> int | None:
        """Number of values of the rows after the first, where none has as many as that."""
        widths = {len(row) for _, row in islice(self._rows(), _COMPARED)}
        return widths.pop() if len(widths) == 1 and self._width not in widths else None

    def _problem(self, code: str, message: str, help: str = "", line: int = 0) -> DataProblem:
        return DataProblem(code, message, help, "path", f"{self._shown}, line {line}" if line else self._shown)


def _values(row: list[str]) -> str:
    return f"{len(row)} value{'s' if len(row) != 1 else ''}"
