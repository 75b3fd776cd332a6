"""Parquet files, a row group at a time where they are larger than memory should hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import example, text
from dlspec.core.pieces import Piece
from dlspec.data.sources.arrow import bytes_of
from dlspec.data.sources.base import Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.cache import converted
from dlspec.data.sources.limits import STREAMED_FROM, check_unfolded
from dlspec.data.sources.paths import locate
from dlspec.data.sources.remarks import LeftOut
from dlspec.data.sources.typed import TypedTable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet as pq

# Larger row groups (bytes once decoded) are divided in a converted copy: several of them are in memory at a time.
_LARGEST_GROUP = 8 << 20
# Bytes of a row group that we write.
_GROUP = 4 << 20
# Rows that are looked at together where it is not known how large they are.
_ROWS = 4096
# What pandas calls the index of a frame that has no name.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__\Z")


class Parquet(Source):
    """A Parquet file: numbers, texts, and lists of one length by name."""

    shorthand = "path"
    suffixes = (".parquet",)
    path = text(doc="The file, from the spec's folder.")
    examples = (example("flights.parquet"),)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The array of each column; one expression for all where each is plain numbers."""
        assert isinstance(table, ParquetTable)
        patterns = {name: _emitted(name, table) for name in columns}
        if set(patterns.values()) == {_PLAIN}:
            return {"arrays": Piece("{{name: table[name].to_numpy() for name in table.column_names}}")}
        return {"arrays": {name: Piece(pattern, name) for name, pattern in patterns.items()}}

    def open(self, folder: Path, *, allow_outside: bool = False) -> ParquetTable:
        """Finds the file."""
        return ParquetTable(locate(self.path, folder, allow_outside=allow_outside), self.path)


_PLAIN = "table[{}].to_numpy()"


def _emitted(name: str, table: ParquetTable) -> str:
    """Pattern of the expression of a column in a project; the column's name goes into it."""
    tensor = table.columns[name].tensor
    if table.columns[name].text:
        return "table[{}].cast('string').fill_null('').to_numpy()"
    if tensor.rank == 1:
        return "np.stack(table[{}].to_numpy())"
    if tensor.rank > 1:
        return f"np.array(table[{{}}].to_pylist(), {tensor.dtype!r})"
    if table.is_duration(name):
        return "table[{}].to_numpy() / np.timedelta64(1, 's')"
    return _PLAIN


class ParquetTable(TypedTable):
    """One file; its row groups are what is cheap to read together.

    Args:
        path: The file.
        shown: The file as the spec writes it.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self._path = path
        self._shown = shown

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns of types that a model can take, from the file's metadata alone."""
        columns = super().columns
        if not columns:
            raise self._problem("E608", f"`{self._shown}` holds no column of numbers or text")
        if not self._count:
            raise self._problem("E608", f"`{self._shown}` has no rows")
        sizes = [column.tensor.bytes if not column.text else 0 for column in columns.values()]
        packed = [self._meta.row_group(group).total_byte_size for group in range(self._meta.num_row_groups)]
        size = max(sum(sizes) * self._count, sum(packed))
        check_unfolded(size, self._path.stat().st_size, f"`{self._shown}`", self._shown)
        return columns

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """The index of a frame, as pandas writes one that has no name."""
        if not any(_PANDAS_INDEX.match(name) for name in self._schema.names):
            return ()
        message = f"`{self._shown}` holds the index of a frame, as pandas writes it: left out"
        help = "write the file with `index=False`, or name the index if it is meant to be used"
        return (LeftOut(message, help, of_frame=True),)

    @cached_property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether all columns together are too large to be kept."""
        size: int = self._row_bytes * self._meta.num_rows
        return size > STREAMED_FROM

    @property
    def regrouped(self) -> bool:
        """Whether a converted copy with smaller row groups is read instead of the file."""
        return self._grouped[0] != self._path

    @cached_property
    def blocks(self) -> Sequence[int]:  # type: ignore[override]
        """Rows of each row group; of the converted copy where the file's own are too large."""
        meta = self._grouped[1]
        return [meta.row_group(group).num_rows for group in range(meta.num_row_groups)]

    def is_duration(self, name: str) -> bool:
        """Whether the column `name` holds durations, which become seconds."""
        import pyarrow as pa

        return bool(pa.types.is_duration(self._kinds[name]))

    @property
    def _file(self) -> str:
        return self._shown

    def read(self, names: Iterable[str]) -> Arrays:
        """Whole columns."""
        names = list(names)
        table = self._decoded(lambda: self._open(self._path, self._meta).read(columns=names))
        return self._arrays(table, names)

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """Rows by number; of a streamed file, each row group that has some is decoded once."""
        import numpy as np

        names = list(names)
        if not self.streamed:
            return super().take(names, indices)
        arrays = {name: self._empty(name, len(indices)) for name in names}
        groups = np.searchsorted(self._starts, indices, side="right") - 1
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            for name, values in self._group(int(group), names).items():
                arrays[name][rows] = values[indices[rows] - self._starts[group]]
        return arrays

    def where(self, index: int) -> str:
        """File and row of an example."""
        return f"{self._shown}, row {index}"

    # --- the file ---------------------------------------------------------------------------------------------------

    @cached_property
    def _meta(self) -> pq.FileMetaData:
        return self._decoded(lambda: self._open(self._path).metadata)

    @property
    def _count(self) -> int:
        count: int = self._meta.num_rows
        return count

    def note(self, name: str) -> str:
        """The entry `name` of the file's metadata; "" where there is none."""
        notes: dict[bytes, bytes] = self._meta.metadata or {}
        return notes.get(name.encode(), b"").decode()

    @cached_property
    def _kinds(self) -> dict[str, pa.DataType]:
        return {field.name: field.type for field in self._schema if not _PANDAS_INDEX.match(field.name)}

    @cached_property
    def _schema(self) -> pa.Schema:
        schema = self._decoded(self._meta.schema.to_arrow_schema)
        twice = [name for name, count in Counter(schema.names).items() if count > 1]
        if twice:
            message = f"`{self._shown}` has two columns named `{twice[0]}`"
            raise self._problem("E608", message, "give each a name of its own")
        return schema

    @cached_property
    def _missing(self) -> dict[str, int]:
        """Missing values of each column, by the file's statistics, or counted where it has none."""
        missing: dict[str, int] = {}
        for group in range(self._meta.num_row_groups):
            row_group = self._meta.row_group(group)
            for position in range(row_group.num_columns):
                column = row_group.column(position)
                name = self._owners[position]
                if column.statistics is None or not column.statistics.has_null_count:
                    nulls = self._nulls(group, name)
                else:
                    nulls = column.statistics.null_count
                missing[name] = missing.get(name, 0) + nulls
        return missing

    @cached_property
    def _owners(self) -> list[str]:
        """The column that each of the file's own belongs to: lists and structures have several, or names inside."""
        return [field.name for field in self._schema for _ in range(_leaves(field.type))]

    def _nulls(self, group: int, name: str) -> int:
        file = self._open(self._path, self._meta)
        column = self._decoded(lambda: file.read_row_group(group, columns=[name]).column(0))
        count: int = column.null_count
        return count

    @cached_property
    def _row_bytes(self) -> int:
        return sum(bytes_of(column.tensor) for column in self.columns.values())

    @cached_property
    def _grouped(self) -> tuple[Path, pq.FileMetaData]:
        """The file whose row groups are read one by one, and its metadata."""
        largest = max(self._meta.row_group(group).num_rows for group in range(self._meta.num_row_groups))
        if not self.streamed or largest * self._row_bytes <= _LARGEST_GROUP:
            return self._path, self._meta
        path = converted(self._path, "smaller row groups 1", ".parquet", self._divide)
        return path, self._open(path).metadata

    def _divide(self, target: Path) -> None:
        """Writes a copy with smaller row groups, of the columns that can be used."""
        write_groups(target, self._batches(list(self.columns)))

    def _batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """All rows of some columns, as many at a time as make a row group of ours."""

        yield from self._in_batches(names, max(1, _GROUP // self._row_bytes))

    def _in_batches(self, names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        from pyarrow import parquet as pq

        file = pq.ParquetFile(self._path, metadata=self._meta, pre_buffer=False, buffer_size=1 << 20)
        yield from file.iter_batches(rows, columns=names, use_threads=False)

    @cached_property
    def _starts(self) -> np.ndarray[Any, Any]:
        from dlspec.standalone.tables import row_groups

        return row_groups(self._grouped[1])

    def _empty(self, name: str, count: int) -> np.ndarray[Any, Any]:
        import numpy as np

        column = self.columns[name]
        return np.empty(
            (count, *(axis or 0 for axis in column.tensor.shape)), object if column.text else column.tensor.dtype
        )

    def _tables(self, names: list[str]) -> Iterator[pa.Table]:
        return self._decoded_tables(self._batches(names))

    def _rows(self, names: list[str]) -> Iterator[pa.Table]:
        """The rows of some columns before it is known how much they take in memory."""
        return self._decoded_tables(self._in_batches(names, _ROWS))

    def _decoded_tables(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
        import pyarrow as pa

        while batch := self._decoded(lambda: next(batches, None)):
            yield pa.Table.from_batches([batch])

    def _group(self, group: int, names: list[str]) -> Arrays:
        path, meta = self._grouped
        table = self._decoded(lambda: self._open(path, meta).read_row_group(group, columns=names, use_threads=False))
        return self._arrays(table, names)

    def _open(self, path: Path, meta: pq.FileMetaData | None = None) -> pq.ParquetFile:
        from pyarrow import parquet as pq

        return pq.ParquetFile(path, metadata=meta)

    def _decoded(self, read: Any) -> Any:
        """The result of `read`; its failure becomes a problem with the file."""
        import pyarrow as pa

        try:
            return read()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            message = f"`{self._shown}` is not a sound Parquet file: {error}"
            raise self._problem("E608", message) from error
        except OSError as error:  # also what pyarrow raises for damaged pages
            code = "E601" if error.errno else "E608"
            message = f"cannot read `{self._shown}`: {error.strerror or str(error).splitlines()[0]}"
            raise self._problem(code, message) from error

    def _problem(self, code: str, message: str, help: str = "") -> DataProblem:
        return DataProblem(code, message, help, "path", self._shown)


def _leaves(kind: pa.DataType) -> int:
    """Number of Parquet columns that hold the values of a type."""
    return sum(_leaves(kind.field(index).type) for index in range(kind.num_fields)) or 1


def write_groups(
    target: Path, batches: Iterable[pa.RecordBatch], notes: Callable[[], dict[str, str]] | None = None
) -> None:
    """Writes record batches as a Parquet file, each one a row group; `notes` are asked for at the end."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    writer = None
    try:
        for batch in batches:
            if writer is None:
                writer = pq.ParquetWriter(target, batch.schema, compression="lz4")
            writer.write_table(pa.Table.from_batches([batch]), row_group_size=batch.num_rows)
        if writer is not None and notes is not None:
            writer.add_key_value_metadata(notes())
    finally:
        if writer is not None:
            writer.close()
