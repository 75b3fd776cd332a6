"""Files of JSON Lines: an object a line, whose keys are the columns."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import example, text
from dlspec.data.sources.base import Column, DataProblem, Source, Table
from dlspec.data.sources.csv_text import CsvText, Dialect
from dlspec.data.sources.json_faults import Fault, Lines
from dlspec.data.sources.limits import check_memory, show_bytes
from dlspec.data.sources.paths import locate
from dlspec.data.sources.typed import WholeTable

if TYPE_CHECKING:
    import pyarrow as pa

# Bytes of text above which a file is not read: its types are known only after all of it is parsed.
_LARGEST = 1 << 30
# Text takes so many times as much once parsed.
_PARSED = 3
_LEAST_BLOCK = 1 << 16
# Where pyarrow says which row it fails on, from 0.
_ROW = re.compile(r",? in row (\d+)$")


class JsonLines(Source):
    """A file of JSON Lines: numbers, texts, truth, and lists of one length by name; packed with gzip or zstd or not."""

    shorthand = "path"
    suffixes = (".jsonl", ".ndjson")
    unpacks = True
    path = text(doc="The file, from the spec's folder.")
    examples = (example("people.jsonl"),)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The types of the columns, and how the file is packed."""
        assert isinstance(table, JsonLinesTable)
        if refused := table.refused(columns):
            return {"refused": refused}
        tensors = {name: table.columns[name].tensor for name in columns}
        types = {name: "object" if table.columns[name].text else tensor.dtype for name, tensor in tensors.items()}
        return {"types": types, "packed": table.text.packed or None, "size": table.block}

    def open(self, folder: Path, *, allow_outside: bool = False) -> JsonLinesTable:
        """Finds the file."""
        return JsonLinesTable(locate(self.path, folder, allow_outside=allow_outside), self.path)


class JsonLinesTable(WholeTable):
    """One file, parsed whole by pyarrow; lines of mistakes are found by a second look with Python's own reader.

    Attributes:
        text: The file's text, unpacked.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self._shown = shown
        self._bad: tuple[Fault, ...] = ()
        self.text = CsvText(path, Dialect(), shown)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The keys of all rows, with the types that pyarrow finds; dates stay text."""
        columns = super().columns
        if not self._count:
            raise self._problem(f"`{self._shown}` has no rows", "write an object a line")
        if not columns:
            raise self._problem(f"`{self._shown}` holds no column of numbers or text")
        return columns

    @property
    def skipped(self) -> Sequence[str]:  # type: ignore[override]
        """Lines that are no rows, with what is wrong with them."""
        _ = self._whole
        return [f"{self._shown}, line {fault.line}: {fault.message}" for fault in self._bad]

    def find(self, name: str, option: str) -> Column:
        """The column `name`; also tells of one of objects."""
        import pyarrow as pa

        kind = self._kinds.get(name)
        if kind is not None and pa.types.is_struct(kind):
            message = f"column `{name}` holds objects"
            help = "give each of their keys a column of its own, as pandas' `json_normalize` does"
            raise DataProblem("E608", message, help, option, self._shown)
        return super().find(name, option)

    def where(self, index: int) -> str:
        """File and line: blank lines are none."""
        if self._plain:
            return f"{self._shown}, line {index + 1}"
        lines = self._lines_of_rows
        return f"{self._shown}, line {lines[index]}" if len(lines) == self._count else self._shown

    def refused(self, names: Sequence[str]) -> str:
        """Why no project can read some columns, in words; "" where it can."""
        import pyarrow as pa

        if self._bad:
            return "lines that are left out since they are broken"
        texts = [name for name in names if self.columns[name].text]
        if any(not pa.types.is_string(self._kinds[name]) for name in texts):
            return "JSON numbers that are taken for text"
        if any(self.columns[name].tensor.shape and self._missing[name] for name in names):
            return "a column of lists, some of which are missing"
        return "words for a missing value in texts" if any(map(self.gap, texts)) else ""

    # --- the file ---------------------------------------------------------------------------------------------------

    @property
    def _file(self) -> str:
        return self._shown

    @property
    def block(self) -> int:
        """Bytes that are parsed together: all, so that all rows decide what a column holds."""
        return max(self.text.size + 1, _LEAST_BLOCK)

    @cached_property
    def _whole(self) -> pa.Table:
        self._check_size()
        if not self.text.is_utf8():
            number, _ = self.text.not_utf8()
            raise self._problem(f"line {number} of `{self._shown}` is not UTF-8", "save the file as UTF-8", number)
        import pyarrow as pa

        try:
            return self._parsed(self.text.source, {})
        except pa.ArrowInvalid as error:
            return self._without_faults(str(error))

    def _check_size(self) -> None:
        size = self.text.size
        if not size or not self.text.start(1 << 16).strip():
            raise self._problem(f"`{self._shown}` is empty", 'write an object a line, such as `{"age": 40}`')
        if size > _LARGEST:
            message = f"`{self._shown}` holds {show_bytes(size)} of text, at most {show_bytes(_LARGEST)} are read"
            raise self._problem(message, "write it as Parquet, which is read a piece at a time")
        check_memory(size * _PARSED, f"`{self._shown}`", self._shown)

    def _parsed(self, source: Any, texts: dict[str, str]) -> pa.Table:
        """The rows; dates and times are read again as the text that was written."""
        import pyarrow as pa
        from pyarrow import json as arrow_json

        table = arrow_json.read_json(
            source(),
            read_options=arrow_json.ReadOptions(block_size=self.block),
            parse_options=arrow_json.ParseOptions(explicit_schema=pa.schema(list(texts.items()))),
        )
        dates = {field.name: "string" for field in table.schema if pa.types.is_temporal(field.type)}
        return self._parsed(source, texts | dates).select(table.column_names) if dates else table

    def _without_faults(self, reason: str) -> pa.Table:
        """The rows but for broken ones, if those are to be left out.

        Raises:
            DataProblem: E608, they are not, or no line is at fault.
        """
        lines = Lines(self.text.lines(0))
        if not lines.faults:
            row = _ROW.search(reason)
            line = lines.numbers[int(row[1])] if row and int(row[1]) < len(lines.numbers) else 0
            where = f"line {line} of `{self._shown}`" if line else f"`{self._shown}`"
            raise self._problem(f"{where} cannot be read: {_ROW.sub('', reason)}", line=line)
        if not self.tolerant or not lines.good:
            first = lines.faults[0]
            raise self._problem(f"line {first.line} of `{self._shown}`: {first.message}", first.help, first.line)
        self._bad = tuple(lines.faults)
        self.__dict__["_lines_of_rows"] = lines.numbers
        return self._parsed(lambda: io.BytesIO("".join(lines.good).encode()), {})

    @cached_property
    def _plain(self) -> bool:
        """Whether every line is a row."""
        return not self._bad and self.text.count_lines() == self._count

    @cached_property
    def _lines_of_rows(self) -> Sequence[int]:
        return [number for number, line in enumerate(self.text.lines(0), 1) if line.strip()]

    def _problem(self, message: str, help: str = "", line: int = 0) -> DataProblem:
        where = f"{self._shown}, line {line}" if line else self._shown
        return DataProblem("E608", message, help, "path", where)
