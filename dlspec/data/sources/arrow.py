"""Arrow columns as arrays: what the sources that read with pyarrow share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Labels, Table
from dlspec.data.sources.stated import MISSING
from dlspec.data.sources.written import PLAIN

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

# Taken for a value of text where sizes are estimated.
TEXT_BYTES = 128
# A column of text is taken for one of numbers with mistakes in it where at most this share is no number.
_MISTAKES = 0.5


class ArrowTable(Table):
    """Typed columns of Arrow.

    Attributes:
        plain: Writes the numbers among texts of a column as Arrow reads them; None where all are written so.
        missing_words: What stands for a missing number among texts.
    """

    plain: Callable[[str, Any], Any] | None = None
    missing_words: Sequence[str] = MISSING

    @property
    @abstractmethod
    def _count(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def _kinds(self) -> Mapping[str, pa.DataType]:
        """The type of each column."""

    @property
    @abstractmethod
    def _missing(self) -> Mapping[str, int]:
        """Number of missing values by column, as far as a file tells."""

    def _sizes(self, name: str) -> tuple[int, ...]:
        """Lengths of the nested lists of a column, outermost first; () without lists, or for uneven ones."""
        return ()

    @abstractmethod
    def _tables(self, names: list[str]) -> Iterator[pa.Table]:
        """The rows of some columns, one table after another."""

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns of types that a model can take."""
        columns: dict[str, Column] = {}
        for name, kind in self._kinds.items():
            tensor = tensor_of(kind, missing=bool(self._missing.get(name)), sizes=self._sizes(name))
            if tensor is not None:
                text = name in self.stated.texts and not tensor.shape
                columns[name] = Column(Tensor((), TEXT) if text else tensor, self._count)
        return columns

    def find(self, name: str, option: str) -> Column:
        """The column `name`, which has a value unless its type is known without one.

        Raises:
            Problem: E602, there is none; E608, no row has a value there.
        """
        import pyarrow as pa

        column = super().find(name, option)
        if name not in self.stated and pa.types.is_null(self._kinds[name]):
            message = f"column `{name}` is empty in every row"
            raise DataProblem("E608", message, "leave the column out", option, self._file)
        return column

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group of all columns but `taken`; E608 for a column without any value."""
        groups = super().obvious(taken)
        for name in (name for group in groups for name in group):
            self.find(name, "")
        return groups

    @property
    @abstractmethod
    def _file(self) -> str:
        """The file as the spec writes it."""

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first value of the column `name` that Arrow reads as no number, and where it stands."""
        start = 0
        for table in self._tables([name]):
            wrong = self._numbers(table.column(0), name)[1]
            if wrong.any():
                row = int(wrong.argmax())
                return str(_texts(table.column(0))[row]), self.where(start + row)
            start += table.num_rows
        return None

    def gap(self, name: str) -> str:
        """The first word that was taken for a missing value."""
        import pyarrow.compute as pc

        for table in self._tables([name]):
            texts = _texts(table.column(0))
            gaps = texts.filter(pc.is_in(texts, _string_array(self.stated.gaps.get(name, ()))))
            for value in gaps.unique().to_pylist():
                if value:
                    return str(value)
        return ""

    def pieces(self, names: Sequence[str], size: int) -> Iterator[Arrays]:
        """Rows in their order, which become arrays only when they are asked for."""
        import pyarrow as pa

        rest: pa.Table | None = None
        for some in self._tables(list(names)):
            table = some if rest is None else pa.concat_tables([rest, some])
            whole = table.num_rows // size * size
            for start in range(0, whole, size):
                yield self._arrays(table.slice(start, size), list(names))
            rest = table.slice(whole)
        if rest is not None and rest.num_rows:
            yield self._arrays(rest, list(names))

    def labels(self, name: str) -> Labels:
        """Distinct values, counted some rows at a time."""
        import numpy as np

        counts: dict[Any, int] = {}
        for _, arrays in self._pieces([name]):
            values, occurrences = np.unique(arrays[name], return_counts=True)
            for value, count in zip(values.tolist(), occurrences.tolist(), strict=True):
                counts[value] = counts.get(value, 0) + count
        distinct = sorted(counts)
        return Labels(tuple(distinct), tuple(counts[value] for value in distinct))

    def as_numbers(self, name: str) -> bool:
        """Takes a column of text for numbers, if at least half of its values are some."""
        import numpy as np

        wrong = sum(int(np.count_nonzero(self._numbers(table.column(0), name)[1])) for table in self._tables([name]))
        if wrong > self.columns[name].count * _MISTAKES:
            return False
        self._retyped.add(name)
        assert isinstance(self.columns, dict)
        self.columns[name] = Column(Tensor((), "float64"), self.columns[name].count)
        return True

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Rows with words in columns that are taken for numbers."""
        faults: dict[int, str] = {}
        for name in self._retyped.intersection(names):
            start = 0
            for table in self._tables([name]):
                for row in self._numbers(table.column(0), name)[1].nonzero()[0].tolist():
                    text = str(table.column(0)[row])[:40]
                    faults.setdefault(start + row, f"column `{name}` holds `{text}`, expected a number")
                start += table.num_rows
        return faults

    @cached_property
    def _retyped(self) -> set[str]:
        """Columns of text that are taken for numbers."""
        return set()

    def _pieces(self, names: list[str]) -> Iterator[tuple[int, Arrays]]:
        """All rows, some at a time, with the number of the first."""
        start = 0
        for table in self._tables(names):
            yield start, self._arrays(table, names)
            start += table.num_rows

    def _arrays(self, table: pa.Table, names: list[str]) -> Arrays:
        return {name: self._array(table.column(name), name) for name in names}

    def _array(self, column: pa.ChunkedArray, name: str) -> Array:
        if name in self._retyped:
            return self._numbers(column, name)[0]
        tensor = self.columns[name].tensor
        if tensor.dtype != TEXT or name not in self.stated.gaps:
            return to_array(column, tensor)
        import pyarrow.compute as pc

        texts = _texts(column)
        return to_array(pc.if_else(pc.is_in(texts, _string_array(self.stated.gaps[name])), "", texts), tensor)

    def _numbers(self, column: pa.ChunkedArray, name: str) -> tuple[Array, Array]:
        """Texts as numbers, NaN where they are none; and which of them are neither numbers nor missing."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = _texts(column)
        plain = texts if self.plain is None else self.plain(name, texts)
        good = pc.match_substring_regex(plain, PLAIN)
        values = pc.if_else(good, pc.utf8_trim_whitespace(plain), None).cast(pa.float64()).to_numpy()
        missing = pc.is_in(texts, _string_array(self.missing_words))
        return values, ~np.asarray(pc.or_(good, missing))


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as the text that stands for them, "" for what is missing; a whole number has no fraction."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
        texts = pc.if_else(whole, pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string()), texts)
    return pc.fill_null(texts, "")


def _string_array(texts: Sequence[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(texts, pa.string())


def is_list(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are lists, of one length or not."""
    import pyarrow as pa

    tests = (pa.types.is_fixed_size_list, pa.types.is_list, pa.types.is_large_list)
    return any(test(kind) for test in tests)


def tensor_of(kind: pa.DataType, *, missing: bool = False, sizes: Sequence[int] = ()) -> Tensor | None:
    """The tensor type of a value of an Arrow type; None for a type that no model takes.

    Whole numbers are int64; float64 where some are `missing`, since these are NaN. Dates and times are the text that
    a CSV file would hold, durations are seconds.

    Args:
        sizes: How long all lists are, the outermost first; those inside of it behind.
    """
    import pyarrow as pa

    if is_list(kind):
        inner = tensor_of(kind.value_type, missing=missing, sizes=sizes[1:])
        if inner is None or inner.dtype == TEXT or not sizes:
            return None
        return Tensor((sizes[0], *inner.shape), inner.dtype)
    if pa.types.is_dictionary(kind):
        return tensor_of(kind.value_type, missing=missing)
    if pa.types.is_null(kind):
        return Tensor((), "float64")
    if pa.types.is_boolean(kind):
        return Tensor((), "float64" if missing else "bool")
    if pa.types.is_integer(kind):
        return Tensor((), "float64" if missing else "int64")
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        return Tensor((), "float32")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Tensor((), "float64")
    if pa.types.is_duration(kind):
        return Tensor((), "float64")
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_temporal)
    return Tensor((), TEXT) if any(test(kind) for test in texts) else None


def to_array(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """A column as an array of shape [rows, *tensor.shape]; missing numbers are NaN, missing text is ""."""
    import numpy as np
    import pyarrow as pa

    if is_list(column.type):
        return _lists(column, tensor)
    if tensor.dtype == TEXT:
        texts: Array = _texts(column).to_numpy().astype(object, copy=False)
        return texts
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_duration(column.type):
        return np.asarray(column.to_numpy() / np.timedelta64(1, "s"))
    if str(column.type) != _ARROW.get(tensor.dtype):
        column = _cast(column, tensor.dtype)
    values: Array = column.to_numpy()
    return values.astype(np.dtype(tensor.dtype), copy=False)


_ARROW = {"float64": "double", "float32": "float", "int64": "int64", "bool": "bool"}


def _cast(column: pa.ChunkedArray, dtype: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_boolean(column.type) and dtype == "float64":
        column = column.cast(pa.int8())  # Arrow knows no way from truth to floating numbers
    wanted = {"float64": pa.float64(), "float32": pa.float32(), "int64": pa.int64()}[dtype]
    try:
        return column.cast(wanted, safe=pa.types.is_uint64(column.type) and dtype == "int64")
    except pa.ArrowInvalid as error:
        message = f"a column of whole numbers holds one above {2**63 - 1:,}, the largest that can be told apart"
        raise DataProblem("E608", message, "write such numbers as text") from error


class Uneven(NamedTuple):
    """Two lists of a column that are not equally long: the rows, and how long they are."""

    first: int
    size: int
    second: int
    other: int


def list_sizes(tables: Iterable[pa.Table]) -> tuple[int, ...] | Uneven:
    """Lengths of the nested lists of a column, outermost first; or a pair of rows that differ.

    Args:
        tables: The rows of that column, one table after another.
    """
    import numpy as np
    import pyarrow.compute as pc

    known: list[int] = []
    first: list[int] = []  # where the first list of each depth stands
    start = 0
    for table in tables:
        values, rows = table.column(0).combine_chunks(), np.arange(start, start + table.num_rows)
        depth = 0
        while is_list(values.type):
            present = np.asarray(pc.is_valid(values))
            lengths = np.asarray(pc.list_value_length(values).drop_null())
            rows = rows[present]
            if len(lengths) and depth == len(known):
                known.append(int(lengths[0]))
                first.append(int(rows[0]))
            other = lengths != (known[depth] if len(lengths) else 0)
            if other.any():
                at = int(other.argmax())
                return Uneven(first[depth], known[depth], int(rows[at]), int(lengths[at]))
            values, rows = values.flatten(), np.repeat(rows, lengths)
            depth += 1
        start += table.num_rows
    return tuple(known)


def _lists(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """Lists of one length; a missing list is all NaN."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = len(column)
    whole = column.combine_chunks()
    present = np.asarray(pc.is_valid(whole))
    inner = to_array(pa.chunked_array([whole.flatten()]), Tensor(tensor.shape[1:], tensor.dtype))
    inner = inner.reshape(-1, *(axis or 0 for axis in tensor.shape))
    if present.all():
        return inner
    values: Array = np.full((rows, *inner.shape[1:]), np.nan, inner.dtype)
    values[present] = inner
    return values


def bytes_of(tensor: Tensor) -> int:
    """About how many bytes a value takes in memory."""
    return TEXT_BYTES if tensor.dtype == TEXT else tensor.bytes
