"""Several CSV files of one table: a column has the same type in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from dlspec.data.sources.base import Column, DataProblem
from dlspec.data.sources.csv_table import CsvTable
from dlspec.data.sources.csv_text import Dialect
from dlspec.data.sources.paths import File
from dlspec.data.sources.remarks import LeftOut
from dlspec.data.sources.stacked import StackedTable
from dlspec.data.sources.stated import Stated


class CsvFiles(StackedTable):
    """The rows of some files, one file after another."""

    def __init__(self, files: Sequence[File], dialect: Dialect) -> None:
        self._files = files
        self._dialect = dialect

    @property
    def tables(self) -> Mapping[str, CsvTable]:
        """A table for each file, in which columns have the types of all files together."""
        return self._tables

    @cached_property
    def _tables(self) -> dict[str, CsvTable]:
        import pyarrow as pa

        opened = {file.shown: self._open(file, self.stated) for file in self._files}
        texts, numbers = set(), set()
        for table in opened.values():
            for name, column in table.columns.items():
                if column.text:
                    texts.add(name)
                elif not pa.types.is_null(table.kind(name)):
                    numbers.add(name)
        stated = self.stated.also(frozenset(texts), frozenset(numbers - texts))
        return {
            file.shown: table if table.stated.texts >= stated.texts else self._open(file, stated)
            for file, table in zip(self._files, opened.values(), strict=True)
        }

    def _open(self, file: File, stated: Stated) -> CsvTable:
        table = CsvTable(file.path, file.shown, self._dialect)
        table.tolerant, table.stated = self.tolerant, stated
        _ = table.columns
        return table

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks of the first file, and on columns that only others have."""
        known = self._first.columns
        remarks = list(self._first.left_out)
        for shown, table in self.tables.items():
            if further := [name for name in table.columns if name not in known]:
                message = f"column `{further[0]}` of `{shown}` is none of `{self._files[0].shown}`: left out"
                remarks.append(LeftOut(message, "bring all files to the same columns"))
        return remarks

    def find(self, name: str, option: str) -> Column:
        """The column `name`, which every file has.

        Raises:
            Problem: E602, one has not; E608, no row has a value there.
        """
        self._first.find(name, option)
        for shown, table in self.tables.items():
            if name not in table.columns:
                message = f"`{shown}` has no column `{name}`, `{self._files[0].shown}` has"
                raise DataProblem("E602", message, "bring all files to the same columns", option, shown)
        return self.columns[name]

    def check_named(self) -> None:
        """Checks the columns named by options in every file."""
        for table in self.tables.values():
            table.check_named()

    def types(self, names: Iterable[str]) -> dict[str, str]:
        """The types of some columns in pyarrow's words."""
        kinds = {name: {table.types([name])[name] for table in self.tables.values()} for name in names}
        arrow = {"float64": "double", "string": "string"}
        return {
            name: next(iter(types)) if len(types) == 1 else arrow[self.columns[name].tensor.dtype]
            for name, types in kinds.items()
        }
