"""Several tables one after another, as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, Labels, Table
from dlspec.data.sources.remarks import Contents

if TYPE_CHECKING:
    import numpy as np


class StackedTable(Table):
    """The examples of several tables with the same columns; the first one is what the others are like."""

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables in their order, by name."""
        raise NotImplementedError

    @property
    def _first(self) -> Table:
        return next(iter(self.tables.values()))

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns of the first table, with the counts of all together; :meth:`find` compares their types."""
        return {name: self._joined(name, column) for name, column in self._first.columns.items()}

    @cached_property
    def sections(self) -> dict[str, range]:
        """The numbers of the examples of each table."""
        sections, start = {}, 0
        for part, table in self.tables.items():
            count = max(column.count for column in table.columns.values())
            sections[part] = range(start, start + count)
            start += count
        return sections

    def _sections(self) -> Iterator[tuple[Table, range]]:
        return zip(self.tables.values(), self.sections.values(), strict=True)

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether any of the tables is streamed."""
        return any(table.streamed for table in self.tables.values())

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether any of the tables draws its values."""
        return any(table.draws for table in self.tables.values())

    @property
    def blocks(self) -> Sequence[int] | None:  # type: ignore[override]
        """Numbers of rows of the blocks of all tables; a table without blocks is one block."""
        if all(table.blocks is None for table in self.tables.values()):
            return None
        return [size for table, numbers in self._sections() for size in table.blocks or [len(numbers)]]

    def read(self, names: Iterable[str]) -> Arrays:
        """The columns of all tables, one behind another."""
        import numpy as np

        names = list(names)
        parts = [table.read(names) for table in self.tables.values()]
        return {name: self._typed(name, np.concatenate([part[name] for part in parts])) for name in names}

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, each from its table."""
        import numpy as np

        names = list(names)
        arrays: Arrays = {}
        for table, numbers in self._sections():
            mine = (indices >= numbers.start) & (indices < numbers.stop)
            if mine.all():
                taken = table.take(names, indices - numbers.start)
                return {name: self._typed(name, values) for name, values in taken.items()}
            if not mine.any():
                continue
            for name, values in table.take(names, indices[mine] - numbers.start).items():
                typed = self._typed(name, values)
                if name not in arrays:
                    arrays[name] = np.empty((len(indices), *values.shape[1:]), typed.dtype)
                arrays[name][mine] = typed
        return arrays

    def whole(self, name: str) -> np.ndarray[Any, Any]:
        """The column of all tables, which keep it themselves."""
        import numpy as np

        return self._typed(name, np.concatenate([table.whole(name) for table in self.tables.values()]))

    def _typed(self, name: str, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Values of one table in the type that the column has in all together."""
        dtype = self.columns[name].tensor.dtype
        return values if dtype == TEXT or values.dtype == object else values.astype(dtype, copy=False)

    def forget(self) -> None:
        """Forgets the kept values of all tables."""
        for table in self.tables.values():
            table.forget()

    def where(self, index: int) -> str:
        """Location of an example in its own table."""
        for table, numbers in self._sections():
            if index in numbers:
                return table.where(index - numbers.start)
        raise IndexError(index)

    def labels(self, name: str) -> Labels:
        """The distinct values in all tables."""
        counts: dict[Any, int] = {}
        for table in self.tables.values():
            labels = table.labels(name)
            for value, count in zip(labels.values, labels.counts, strict=True):
                counts[value] = counts.get(value, 0) + count
        return Labels(tuple(sorted(counts)), tuple(counts[value] for value in sorted(counts)))

    @property
    def skipped(self) -> Sequence[str]:  # type: ignore[override]
        """Rows that any of the tables has skipped, as text."""
        return [line for table in self.tables.values() for line in table.skipped]

    def gap(self, name: str) -> str:
        """The first word for a missing value in any of the tables."""
        return next((gap for table in self.tables.values() if (gap := table.gap(name))), "")

    def contents(self, name: str, help: str) -> Contents:
        """The content of a text column, by the first table in which it is text."""
        texts = (table for table in self.tables.values() if table.columns[name].text)
        return next(texts, self._first).contents(name, help)

    def as_numbers(self, name: str) -> bool:
        """Every table that holds text there takes it for numbers."""
        texts = [table for table in self.tables.values() if table.columns[name].text]
        done = [table.as_numbers(name) for table in texts]
        self.__dict__.pop("columns", None)
        return all(done)

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Broken rows of all tables, by number."""
        return {
            numbers.start + index: reason
            for table, numbers in self._sections()
            for index, reason in table.faults(names).items()
        }

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first value that is no number in any of the tables, and its location; None where there is none."""
        return next((value for table in self.tables.values() if (value := table.not_a_number(name))), None)

    def check(self, names: Sequence[str]) -> None:
        """Checks the columns of each table."""
        for table in self.tables.values():
            table.check(names)

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of the first table."""
        return self._first.obvious(taken)

    def strange(self, names: Sequence[str]) -> Problem | None:
        """The problem that the first table gives."""
        return self._first.strange(names)

    def _joined(self, name: str, first: Column) -> Column:
        others = [table.columns[name] for table in self.tables.values() if name in table.columns]
        dtypes = {column.tensor.dtype for column in others}
        dtype = first.tensor.dtype
        if len(dtypes) > 1 and TEXT not in dtypes:
            dtype = "float64"
        return Column(Tensor(first.tensor.shape, dtype), sum(column.count for column in others), first.label)
