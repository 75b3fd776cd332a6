"""Several sources one after another: the parts of a split that have a source of their own."""

from __future__ import annotations

from collections.abc import Mapping

from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.sources.base import Column, DataProblem, Table
from dlspec.data.sources.stacked import StackedTable


class JoinedTable(StackedTable):
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

    def find(self, name: str, option: str) -> Column:
        """The column `name`, which is alike in all tables.

        Raises:
            Problem: E602, a table has no such column; E603 or E605, it holds something else there.
        """
        first = self._first.find(name, option)
        for part, table in list(self.tables.items())[1:]:
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


def _raise_others(table: Table, name: str, option: str) -> None:
    """Raises the problem, other than its absence, of a column that is not among the usable ones of a table."""
    try:
        table.find(name, option)
    except Problem as problem:
        if problem.code != "E602":
            raise
