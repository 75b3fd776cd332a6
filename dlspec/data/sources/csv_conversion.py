"""A CSV file parsed whole, or rewritten as Parquet a piece at a time; either way with the same types."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.data.sources.parquet import write_groups
from dlspec.data.sources.stated import MISSING

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

# Bytes of text that are parsed together.
_PIECE = 8 << 20
# Where a converted copy says how many rows were left out.
RAGGED = "dlspec.ragged"


class Dialect(NamedTuple):
    """How values are written.

    Attributes:
        missing: What stands for a value that is missing.
        used: The columns that are read; () for all.
        texts: Columns of text, although they may hold digits only.
    """

    delimiter: str
    missing: tuple[str, ...] = MISSING
    used: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


class Reader:
    """Passes over a CSV file.

    Attributes:
        ragged: Rows that the last pass left out, since they have more or fewer values than the header.
    """

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self._path = path
        self._dialect = dialect
        self.ragged = 0

    def whole(self) -> pa.Table:
        """All rows, with the types that pyarrow finds; but dates and times stay the text that was written."""
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        texts = dict.fromkeys(self._dialect.texts, pa.string())
        if self._path.stat().st_size > _PIECE:
            try:
                return pa_csv.read_csv(self._path, **self._options(self._first(texts)))
            except pa.ArrowInvalid:  # a value further down is of another type, or broken: see below
                pass
        table = pa_csv.read_csv(self._path, **self._options(texts))
        dates = _dates(table.schema)
        return pa_csv.read_csv(self._path, **self._options(texts | dates)) if dates else table

    def _first(self, texts: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
        """The types of the first rows: a pass that knows them keeps no text until the last row is read."""
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        with pa_csv.open_csv(self._path, **self._options(texts)) as reader:
            found = {field.name: field.type for field in reader.schema if not pa.types.is_null(field.type)}
            return found | _dates(reader.schema)

    def kinds(self) -> dict[str, pa.DataType]:
        """The types of all columns, found by a pass that holds little in memory: as :meth:`whole` would find them."""
        import pyarrow as pa

        found: dict[str, pa.DataType] = {}
        for batch in self._pieces(pa.string()):
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                found[name] = _widest(found.get(name, pa.null()), values)
        return found | {name: pa.string() for name in self._dialect.texts if name in found}

    def write(self, target: Path, kinds: dict[str, pa.DataType]) -> None:
        """Writes the file as Parquet, with :attr:`ragged` among its metadata."""
        write_groups(target, self._pieces(kinds), lambda: {RAGGED: str(self.ragged)})

    def _pieces(self, kinds: Any) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time; `kinds` is a type for every column, or types by name."""
        from pyarrow import csv as pa_csv

        if not isinstance(kinds, dict):
            with pa_csv.open_csv(self._path, **self._options({})) as reader:
                kinds = dict.fromkeys(reader.schema.names, kinds)
        with pa_csv.open_csv(self._path, **self._options(kinds)) as reader:
            yield from (batch for batch in reader if batch.num_rows)

    def _options(self, kinds: dict[str, pa.DataType]) -> dict[str, Any]:
        from pyarrow import csv as pa_csv

        self.ragged = 0
        dialect = self._dialect
        return {
            "read_options": pa_csv.ReadOptions(block_size=_PIECE),
            "parse_options": self._layout,
            "convert_options": pa_csv.ConvertOptions(
                null_values=list(dialect.missing), column_types=kinds, include_columns=list(dialect.used)
            ),
        }

    @cached_property
    def _layout(self) -> pa_csv.ParseOptions:
        """How rows are told apart, and what becomes of uneven ones.

        A thread of pyarrow may let go of the handler when Python ends already. If nobody else held it then, the thread
        would call Python, and the process would abort: one reference is never given back.
        """
        from pyarrow import csv as pa_csv

        layout = pa_csv.ParseOptions(
            delimiter=self._dialect.delimiter, newlines_in_values=True, invalid_row_handler=self._leave_out
        )
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
        return layout

    def _leave_out(self, row: Any) -> str:
        self.ragged += 1
        return "skip"


def _dates(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Text for each column of dates or times."""
    import pyarrow as pa

    return {field.name: pa.string() for field in schema if pa.types.is_temporal(field.type)}


def _widest(kind: pa.DataType, values: pa.Array) -> pa.DataType:
    """The narrowest type not below `kind` that holds `values`, texts of which some may stand for missing ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    present = values.filter(pc.invert(pc.is_in(values, pa.array(MISSING))))
    if not len(present):
        return kind
    for wider in (pa.bool_(), pa.int64(), pa.float64()):
        if kind in (pa.null(), wider) or (kind == pa.int64() and wider == pa.float64()):
            try:
                present.cast(wider)
            except pa.ArrowInvalid:
                continue
            if wider != pa.bool_() or not _digits(present):
                return wider
    return pa.string()


def _digits(values: pa.Array) -> bool:
    """Whether some values are written as numbers: 0 and 1 are numbers rather than truth."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(values, r"^\d")).as_py())
