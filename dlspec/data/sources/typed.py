"""Tables of files whose format tells the types of the columns: lists and objects besides numbers and texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dlspec.data.sources.arrow import ArrowTable, Uneven, is_list, list_sizes
from dlspec.data.sources.base import Arrays, Column, DataProblem
from dlspec.data.sources.finite import finite, too_large

if TYPE_CHECKING:
    import pyarrow as pa


class TypedTable(ArrowTable):
    """Columns of numbers, texts, and lists of one length."""

    def find(self, name: str, option: str) -> Column:
        """The column `name`; also tells of one whose type no model takes."""
        kind = self._kinds.get(name)
        if kind is not None and name not in self.columns:
            uneven = self._lists.get(name)
            if isinstance(uneven, Uneven):
                raise self._uneven(name, option, *uneven)
            message = f"column `{name}` holds values of type {kind}"
            raise DataProblem("E608", message, "numbers, texts and lists of one length can be used", option, self._file)
        return super().find(name, option)

    def _uneven(self, name: str, option: str, first: int, size: int, second: int, other: int) -> DataProblem:
        message = f"column `{name}` holds lists of different lengths: {size} in row {first}, {other} in row {second}"
        help = "cut or fill up all to one length when writing the file"
        return DataProblem("E608", message, help, option, self.where(second))

    def check(self, names: Sequence[str]) -> None:
        """No number is missing, and all are finite; looks at some rows at a time."""

        numbers = [name for name in names if self.columns[name].tensor.floating]
        for start, arrays in self._pieces(numbers) if numbers else ():
            for name, values in arrays.items():
                sound = finite(values)
                if not sound.all():
                    index = int(sound.argmin())
                    raise self._not_finite(name, start + index, too_large(values[index : index + 1]))

    def _not_finite(self, name: str, index: int, large: str) -> DataProblem:
        if large:
            message, help = f"column `{name}` holds {large}", "correct the value, or take larger units"
            return DataProblem("E608", message, help, where=self.where(index))
        missing = self._missing.get(name)
        message = f"column `{name}` holds a value that is not a finite number"
        if missing:
            message = f"column `{name}` has {missing} missing value{'s' if missing > 1 else ''}"
        return DataProblem("E608", message, "fill or drop such examples", where=self.where(index))

    @cached_property
    def _lists(self) -> dict[str, tuple[int, ...] | Uneven]:
        """Lengths of the lists of each column that has some; its values are read for that."""
        return {name: list_sizes(self._rows([name])) for name, kind in self._kinds.items() if is_list(kind)}

    def _sizes(self, name: str) -> tuple[int, ...]:
        sizes = self._lists.get(name, ())
        return () if isinstance(sizes, Uneven) or 0 in sizes else sizes

    def _rows(self, names: list[str]) -> Iterator[pa.Table]:
        """The rows of some columns before it is known how much they take in memory."""
        return self._tables(names)


class WholeTable(TypedTable):
    """Rows that are read all at once."""

    @property
    @abstractmethod
    def _whole(self) -> pa.Table:
        """All rows of all columns."""

    def read(self, names: Iterable[str]) -> Arrays:
        """Whole columns."""
        names = list(names)
        return self._arrays(self._whole.select(names), names)

    @property
    def _count(self) -> int:
        return int(self._whole.num_rows)

    @property
    def _kinds(self) -> Mapping[str, pa.DataType]:
        return {field.name: field.type for field in self._whole.schema}

    @cached_property
    def _missing(self) -> dict[str, int]:
        """Values that rows lack, and `NaN`, which Python writes."""
        import pyarrow as pa
        import pyarrow.compute as pc

        missing = {}
        for field, column in zip(self._whole.schema, self._whole.columns, strict=True):
            nans = pc.sum(pc.is_nan(column)).as_py() if pa.types.is_floating(field.type) else 0
            missing[field.name] = int(column.null_count + (nans or 0))
        return missing

    def _tables(self, names: list[str]) -> Iterator[pa.Table]:
        yield self._whole.select(names)
