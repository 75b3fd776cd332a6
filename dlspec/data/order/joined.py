"""Several sources one after another: the parts of a split that have a source of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Tensor
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Labels, Table

if TYPE_CHECKING:
    import numpy as np


class JoinedTable(Table):
    """The examples of several tables.

    Args:
        tables: By name of the part; the first is the one that all others must be like.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = dict(tables)
        self.tolerant = self._first.tolerant

    @property
    def tables(self) -> dict[str, Table]:
        """The tables by name of the part."""
        return dict(self._tables)

    @property
    def _first(self) -> Table:
        return next(iter(self._tables.values()))

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Those of the first table; counts are those of all together. :meth:`find` compares them."""
        return {name: self._joined(name, column) for name, column in self._first.columns.items()}

    @cached_property
    def sections(self) -> dict[str, range]:
        """The numbers of the examples of each part."""
        found, start = {}, 0
        for part, table in self._tables.items():
            count = max(column.count for column in table.columns.values())
            found[part] = range(start, start + count)
            start += count
        return found

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether one of the tables is."""
        return any(table.streamed for table in self._tables.values())

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether one of the tables does."""
        return any(table.draws for table in self._tables.values())

    @property
    def blocks(self) -> Sequence[int] | None:  # type: ignore[override]
        """Those of all tables; a table without blocks is one."""
        if all(table.blocks is None for table in self._tables.values()):
            return None
        pairs = zip(self._tables.values(), self.sections.values(), strict=True)
        return [size for table, numbers in pairs for size in table.blocks or [len(numbers)]]

    def read(self, names: Iterable[str]) -> Arrays:
        """The columns of all tables, one behind another."""
        import numpy as np

        names = list(names)
        parts = [table.read(names) for table in self._tables.values()]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, each from its table."""
        import numpy as np

        names = list(names)
        found: Arrays = {}
        for table, numbers in zip(self._tables.values(), self.sections.values(), strict=True):
            mine = (indices >= numbers.start) & (indices < numbers.stop)
            if mine.all():
                return table.take(names, indices - numbers.start)
            if not mine.any():
                continue
            for name, values in table.take(names, indices[mine] - numbers.start).items():
                if name not in found:
                    found[name] = np.empty((len(indices), *values.shape[1:]), values.dtype)
                found[name][mine] = values
        return found

    def whole(self, name: str) -> np.ndarray[Any, Any]:
        """The column of all tables, which keep it themselves."""
        import numpy as np

        return np.concatenate([table.whole(name) for table in self._tables.values()])

    def forget(self) -> None:
        """All tables do."""
        for table in self._tables.values():
            table.forget()

    def where(self, index: int) -> str:
        """As its table says it."""
        for table, numbers in zip(self._tables.values(), self.sections.values(), strict=True):
            if index in numbers:
                return table.where(index - numbers.start)
        raise IndexError(index)

    def labels(self, name: str) -> Labels:
        """The distinct values in all tables."""
        counts: dict[Any, int] = {}
        for table in self._tables.values():
            found = table.labels(name)
            for value, count in zip(found.values, found.counts, strict=True):
                counts[value] = counts.get(value, 0) + count
        return Labels(tuple(sorted(counts)), tuple(counts[value] for value in sorted(counts)))

    @property
    def skipped(self) -> Sequence[str]:  # type: ignore[override]
        """What any of the tables has left out."""
        return [line for table in self._tables.values() for line in table.skipped]

    def gap(self, name: str) -> str:
        """The first one in any table."""
        return next((found for table in self._tables.values() if (found := table.gap(name))), "")

    def as_numbers(self, name: str) -> bool:
        """Every table that holds text there takes it for numbers."""
        texts = [table for table in self._tables.values() if table.columns[name].text]
        done = [table.as_numbers(name) for table in texts]
        self.__dict__.pop("columns", None)
        return all(done)

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Those of all tables."""
        pairs = zip(self._tables.values(), self.sections.values(), strict=True)
        return {
            numbers.start + index: reason for table, numbers in pairs for index, reason in table.faults(names).items()
        }

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first one in any table."""
        return next((found for table in self._tables.values() if (found := table.not_a_number(name))), None)

    def check(self, names: Sequence[str]) -> None:
        """Every table by itself."""
        for table in self._tables.values():
            table.check(names)

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """As for the first table."""
        return self._first.obvious(taken)

    def strange(self, names: Sequence[str]) -> Problem | None:
        """As the source itself finds it."""
        return self._first.strange(names)

    def find(self, name: str, option: str) -> Column:
        """The column `name`, which is alike in all tables.

        Raises:
            Problem: E602, a table has no such column; E603 or E605, it holds something else there.
        """
        first = self._first.find(name, option)
        for part, table in list(self._tables.items())[1:]:
            if name not in table.columns:
                _raise_others(table, name, option)
                message = f"the source of `{part}` has no column `{name}`"
                raise DataProblem(
                    "E602", message, did_you_mean(name, table.columns, guess=True), option, table.where(0)
                )
            other = table.columns[name]
            if other.text != first.text and not (self.tolerant and self.as_numbers(name)):
                kinds = ["text" if column.text else "numbers" for column in (first, other)]
                value, where = (table.not_a_number(name) if other.text else None) or ("", table.where(0))
                kinds[1] += f" (`{value[:40]}`)" if value else ""
                message = f"column `{name}` holds {kinds[0]} in `source`, and {kinds[1]} in the source of `{part}`"
                help = "correct the value; of codes written in digits, name the column in `texts` of the source"
                raise DataProblem("E603", message, help if other.text else "store them alike", option, where)
            if other.tensor.shape != first.tensor.shape:
                message = f"column `{name}` is {first.tensor} in `source`, and {other.tensor} in the source of `{part}`"
                raise DataProblem("E605", message, "", option, table.where(0))
        return self.columns[name]

    def _joined(self, name: str, first: Column) -> Column:
        others = [table.columns[name] for table in self._tables.values() if name in table.columns]
        dtypes = {column.tensor.dtype for column in others}
        dtype = first.tensor.dtype
        if len(dtypes) > 1 and TEXT not in dtypes:
            dtype = "float64"
        return Column(Tensor(first.tensor.shape, dtype), sum(column.count for column in others), first.label)


def _raise_others(table: Table, name: str, option: str) -> None:
    """What else than its absence is wrong with a column that a table does not have among those that can be used."""
    try:
        table.find(name, option)
    except Problem as problem:
        if problem.code != "E602":
            raise
