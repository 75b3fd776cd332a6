"""A CSV file parsed whole, or rewritten as Parquet a piece at a time; either way with the same types."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.sources.csv_text import CsvText, Dialect
from dlspec.data.sources.parquet import write_groups
from dlspec.data.sources.written import as_number_column

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

# Bytes of text that are parsed together.
_PIECE = 8 << 20
# Where a converted copy says how many rows were left out.
RAGGED = "dlspec.ragged"
# What pyarrow takes for true and for false, beside words that a spec names.
TRUE, FALSE = ("1", "True", "TRUE", "true"), ("0", "False", "FALSE", "false")


class Reader:
    """Passes over a CSV file.

    Attributes:
        ragged: Rows that the last pass left out, since they have more or fewer values than the header.
    """

    def __init__(self, text: CsvText, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self.ragged = 0

    def whole(self) -> pa.Table:
        """All rows, with the types that pyarrow finds; but dates and times stay the text that was written."""
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        texts = dict.fromkeys(self._dialect.texts, pa.string())
        if self._text.size > _PIECE:
            try:
                return self._with_numbers(pa_csv.read_csv(self._text.source(), **self._options(self._first(texts))))
            except pa.ArrowInvalid:  # a value further down is of another type, or broken: see below
                pass
        table = pa_csv.read_csv(self._text.source(), **self._options(texts))
        dates = _dates(table.schema)
        if dates:
            table = pa_csv.read_csv(self._text.source(), **self._options(texts | dates))
        return self._with_numbers(table)

    def _first(self, texts: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
        """The types of the first rows: a pass that knows them keeps no text until the last row is read."""
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        with pa_csv.open_csv(self._text.source(), **self._options(texts)) as reader:
            kinds = {field.name: field.type for field in reader.schema if not pa.types.is_null(field.type)}
            return kinds | _dates(reader.schema)

    def _with_numbers(self, table: pa.Table) -> pa.Table:
        """`table` with numbers in place of texts that are numbers in the dialect's writing."""
        import pyarrow as pa

        for position, field in enumerate(table.schema):
            if pa.types.is_string(field.type) and self._dialect.rewrites(field.name):
                plain = self._dialect.plain(field.name, table.column(position))
                numbers = as_number_column(plain, self._dialect.missing)
                if numbers is not None:
                    table = table.set_column(position, field.name, numbers)
        return table

    def kinds(self) -> dict[str, pa.DataType]:
        """The types of all columns, found by a pass that holds little in memory: as :meth:`whole` would find them."""
        import pyarrow as pa

        kinds: dict[str, pa.DataType] = {}
        for batch in self._pieces(pa.string()):
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                kinds[name] = self._widest(name, kinds.get(name, pa.null()), values)
        return kinds | {name: pa.string() for name in self._dialect.texts if name in kinds}

    def write(self, target: Path, kinds: dict[str, pa.DataType]) -> None:
        """Writes the file as Parquet, with :attr:`ragged` among its metadata."""
        import pyarrow as pa

        numbers = (pa.int64(), pa.float64())
        as_texts = {
            name: pa.string() if kind in numbers and self._dialect.rewrites(name) else kind
            for name, kind in kinds.items()
        }
        pieces = (self._as_kinds(piece, kinds) for piece in self._pieces(as_texts))
        write_groups(target, pieces, lambda: {RAGGED: str(self.ragged)})

    def _as_kinds(self, piece: pa.RecordBatch, kinds: dict[str, pa.DataType]) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        for position, (name, values) in enumerate(zip(piece.schema.names, piece.columns, strict=True)):
            if values.type != kinds[name]:
                plain = pc.utf8_trim_whitespace(self._dialect.plain(name, values))
                lacking = pc.is_in(plain, pa.array(self._dialect.missing, pa.string()))
                piece = piece.set_column(position, name, pc.if_else(lacking, None, plain).cast(kinds[name]))
        return piece

    def _pieces(self, kinds: Any) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time; `kinds` is a type for every column, or types by name."""
        from pyarrow import csv as pa_csv

        if not isinstance(kinds, dict):
            with pa_csv.open_csv(self._text.source(), **self._options({})) as reader:
                kinds = dict.fromkeys(reader.schema.names, kinds)
        with pa_csv.open_csv(self._text.source(), **self._options(kinds)) as reader:
            yield from (batch for batch in reader if batch.num_rows)

    def _options(self, kinds: dict[str, pa.DataType]) -> dict[str, Any]:
        from pyarrow import csv as pa_csv

        self.ragged = 0
        dialect = self._dialect
        true, false = dialect.true_words, dialect.false_words
        truths = {"true_values": [*TRUE, *true]} if true else {}
        truths |= {"false_values": [*FALSE, *false]} if false else {}
        return {
            "read_options": pa_csv.ReadOptions(
                block_size=_PIECE,
                column_names=list(dialect.names),
                skip_rows=dialect.skip_rows,
                encoding=self._text.encoding(),
            ),
            "parse_options": self._layout,
            "convert_options": pa_csv.ConvertOptions(
                null_values=list(dialect.missing),
                column_types=kinds,
                include_columns=list(dialect.used),
                decimal_point=dialect.numerals.decimal,
                **truths,
            ),
        }

    @cached_property
    def _layout(self) -> pa_csv.ParseOptions:
        """pyarrow's options for delimiters and uneven rows.

        A thread of pyarrow may let go of the handler when Python ends already. If nobody else held it then, the thread
        would call Python, and the process would abort: one reference is never given back.
        """
        from pyarrow import csv as pa_csv

        layout = pa_csv.ParseOptions(
            delimiter=self._dialect.character, newlines_in_values=True, invalid_row_handler=self._leave_out
        )
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
        return layout

    def _leave_out(self, row: Any) -> str:
        self.ragged += 1
        return "skip"

    def _widest(self, name: str, kind: pa.DataType, values: pa.Array) -> pa.DataType:
        """The narrowest type not below `kind` that holds `values`, texts of which some may stand for missing ones."""
        import pyarrow as pa
        import pyarrow.compute as pc

        present = values.filter(pc.invert(pc.is_in(values, pa.array(self._dialect.missing, pa.string()))))
        if not len(present):
            return kind
        plain = self._dialect.plain(name, present)
        for wider in (pa.bool_(), pa.int64(), pa.float64()):
            if kind in (pa.null(), wider) or (kind == pa.int64() and wider == pa.float64()):
                if wider == pa.bool_() and self._truths(present):
                    return wider
                if wider != pa.bool_() and _holds(plain, wider):
                    return wider
        return pa.string()

    def _truths(self, values: pa.Array) -> bool:
        """Whether all are words for true and false; those that are numbers as well are numbers."""
        import pyarrow as pa
        import pyarrow.compute as pc

        truths = [*TRUE, *FALSE, *self._dialect.true_words, *self._dialect.false_words]
        named = pc.all(pc.is_in(values, pa.array(truths, pa.string()))).as_py()
        return bool(named) and not _digits(values)


def _dates(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Text for each column of dates or times."""
    import pyarrow as pa

    return {field.name: pa.string() for field in schema if pa.types.is_temporal(field.type)}


def _holds(values: pa.Array, kind: pa.DataType) -> bool:
    import pyarrow as pa

    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _digits(values: pa.Array) -> bool:
    """Whether some values are written as numbers: 0 and 1 are numbers rather than truth."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(values, r"^\d")).as_py())
