"""Windows over the columns of a table in the order of time: what was, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import component, example, integer, optional, text, texts
from dlspec.components.sections.splitters import Time, first_in_dates
from dlspec.core.dates import is_iso, moment, order_help
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.limits import STREAMED_FROM, check_memory
from dlspec.data.sources.remarks import LeftOut

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Timeseries(Source):
    """Windows over columns of numbers in a table with a row for every step in time.

    Columns: ``past`` [window, series], the values that enter, and ``future`` [horizon], those to predict ([horizon,
    targets] for several). Unless `split` says otherwise the latest windows are the test split, and no step is
    predicted in two parts.
    """

    table = component("source", doc="The table: `{csv: prices.csv}`, or any other source.")
    targets = texts(doc="The column to predict, or several.")
    series = optional(texts(), doc="The columns that enter; the targets unless given.")
    time = optional(text(), doc="A column of numbers or dates by which rows are ordered.")
    first = first_in_dates()
    window = integer(min=1, doc="How many steps enter.")
    horizon = integer(min=1, default=1, doc="How many steps after these are to be predicted.")
    stride = integer(min=1, default=1, doc="Steps from one window to the next.")
    examples = (
        example("{table: {csv: co2.csv}, time: week, targets: co2, window: 52, horizon: 4}"),
        example("{table: {csv: power.csv}, targets: [load], series: [load, temperature], window: 24, stride: 12}"),
    )

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The table, the columns that enter, and whether times are dates."""
        assert isinstance(table, WindowTable)
        series = self.series or self.targets
        used = [*(series if "past" in columns else ()), *(self.targets if "future" in columns else ())]
        names = tuple(dict.fromkeys([*used, *([self.time] if self.time else [])]))
        dates = self.time is not None and table.table.columns[self.time].text
        if self.time is not None and dates and not all(map(is_iso, table.table.read([self.time])[self.time])):
            return {"refused": f"dates in another form than 2024-12-31 in column `{self.time}`"}
        return {
            "inner": {"table": (self.table, names, table.table)},
            "lines": self._emitted_lines(columns, series, dates),
            "arrays": self._emitted_windows(columns),
        }

    def _emitted_lines(self, columns: Sequence[str], series: Sequence[str], dates: bool) -> list[Piece]:
        """Lines that bring a project's table into the order of time, and find the first step of each window."""
        lines = []
        if self.time:
            times = Piece("table[{}]", self.time)
            if dates:
                lines.append(Piece("times = [moment(value) for value in {}]", times))
            lines.append(Piece("order = np.argsort({}, kind='stable')", Piece("times") if dates else times))
        order = "[order]" if self.time else ""
        several = Piece(f"np.stack([table[name]{order}.astype('float32') for name in {{}}], axis=-1)", tuple(series))
        if "past" in columns:
            lines.append(Piece("series = {}", several))
        if "future" in columns:
            ahead = Piece(f"table[{{}}]{order}.astype('float32')", self.targets[0])
            if len(self.targets) > 1:
                ahead = Piece(several.pattern, tuple(self.targets))
            lines.append(Piece("ahead = {}", ahead))
        steps = "series" if "past" in columns else "ahead"
        lines.append(Piece(f"count = len({steps}) - {{}}", self.window + self.horizon - 1))
        stride = f"0, count, {self.stride}" if self.stride > 1 else "count"
        return [*lines, Piece(f"starts = np.arange({stride})[:, None]")]

    def _emitted_windows(self, columns: Sequence[str]) -> Mapping[str, Piece]:
        """Expressions of past and next steps in a project."""
        arrays = {
            "past": Piece("series[starts + np.arange({})]", self.window),
            "future": Piece("ahead[starts + np.arange({}, {})]", self.window, self.window + self.horizon),
        }
        return {name: made for name, made in arrays.items() if name in columns}

    def open(self, folder: Path, *, allow_outside: bool = False) -> WindowTable:
        """Opens the table."""
        try:
            table = self.table.open(folder, allow_outside=allow_outside)
            _ = table.columns
        except Problem as problem:
            problem.option = "table"
            raise
        return WindowTable(self, table)

    def splitter(self) -> Time:
        """A split by time, without windows that predict a step of a later part."""
        return Time(gap=-(-self.horizon // self.stride) - 1)


class WindowTable(Table):
    """The windows over one table, the earliest first."""

    def __init__(self, source: Timeseries, table: Table) -> None:
        self._source = source
        self._table = table

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether the table of the steps draws its values."""
        return self._table.draws

    @property
    def table(self) -> Table:
        """The table with a row for every step."""
        return self._table

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks of the table."""
        return [remark._replace(option="table") for remark in self._table.left_out]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """``past`` and ``future``, both float32."""
        source = self._source
        ahead = (source.horizon,) if len(source.targets) == 1 else (source.horizon, len(source.targets))
        return {
            "past": Column(Tensor((source.window, len(self._series))), self._count),
            "future": Column(Tensor(ahead), self._count, label=True),
        }

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the windows, which repeat each value many times, are too large to be kept."""
        return sum(column.tensor.bytes for column in self.columns.values()) * self._count > STREAMED_FROM

    def read(self, names: Iterable[str]) -> Arrays:
        """Columns of all windows."""
        import numpy as np

        return self.take(names, np.arange(self._count))

    def take(self, names: Iterable[str], indices: Array) -> Arrays:
        """The windows `indices`, in that order."""
        import numpy as np

        source, starts = self._source, np.asarray(indices)[:, None] * self._source.stride
        arrays: Arrays = {}
        for name in names:
            size = self.columns[name].tensor.bytes * len(indices)
            check_memory(size, f"{len(indices):,} windows of {source.window:,} steps", self._table.where(0), "window")
            if name == "past":
                arrays[name] = self._values(self._series)[starts + np.arange(source.window)]
            else:
                ahead = self._values(source.targets)[starts + np.arange(source.window, source.window + source.horizon)]
                arrays[name] = ahead[..., 0] if len(source.targets) == 1 else ahead
        return arrays

    def where(self, index: int) -> str:
        """First and last row of a window."""
        first = index * self._source.stride
        last = first + self._source.window + self._source.horizon - 1
        start, end = (self._table.where(int(self._order[row])) for row in (first, last))
        file, comma, _ = start.rpartition(", ")
        return f"{start} to {end.removeprefix(file + comma)}"

    def check(self, names: Sequence[str]) -> None:
        """Every value of the table that a window holds is a finite number; the message names its own row."""
        if "past" in names:
            self._check_finite(self._series, "targets" if self._source.series is None else "series")
        if "future" in names:  # what enters too is checked there
            self._check_finite([name for name in self._source.targets if name not in self._series], "targets")

    def _check_finite(self, columns: Sequence[str], option: str) -> None:
        import numpy as np

        for name in columns:
            finite = np.isfinite(self._values([name])[:, 0])
            if not finite.all():
                message = f"column `{name}` holds a value that is not a finite number"
                where = self._table.where(int(self._order[finite.argmin()]))
                raise DataProblem("E608", message, "fill it in beforehand: steps cannot be left out", option, where)

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the column `past`."""
        return [("past",)]

    @property
    def _series(self) -> tuple[str, ...]:
        return self._source.series or self._source.targets

    @cached_property
    def _count(self) -> int:
        for option, columns in (("targets", self._source.targets), ("series", self._source.series or ())):
            for name in columns:
                self._check_column(name, option)
        steps = len(self._order)
        needed = self._source.window + self._source.horizon
        if steps < needed:
            message = f"the table has {steps:,} rows, one window and what follows take {needed:,}"
            raise DataProblem("E608", message, "make `window` or `horizon` smaller", "window", self._table.where(0))
        return (steps - needed) // self._source.stride + 1

    def _check_column(self, name: str, option: str) -> None:
        column = self._table.find(name, option)
        if column.text:
            contents = self._table.contents(name, "correct the value, or leave the column out")
            message = f"column `{name}` holds {contents.what}, expected numbers"
            raise DataProblem("E603", message, contents.help, option, contents.where)
        if column.tensor.shape:
            raise Problem("E605", f"column `{name}` is {column.tensor}, expected a number in every row", "", option)

    def _values(self, columns: Sequence[str]) -> Array:
        """Columns in the order of time: float32 [steps, columns]."""
        import numpy as np

        kept: dict[str, Array] = self.__dict__.setdefault("_kept", {})
        for name in columns:
            if name not in kept:
                kept[name] = self._read(name).astype(np.float32)[self._order]
        return np.stack([kept[name] for name in columns], axis=-1)

    def _read(self, name: str) -> Array:
        try:
            return self._table.read([name])[name]
        except Problem as problem:
            problem.option = "table"
            raise

    @cached_property
    def _order(self) -> Array:
        """Numbers of the table's rows from the earliest to the latest."""
        import numpy as np

        name = self._source.time
        if name is None:
            return np.arange(self._table.find(self._source.targets[0], "targets").count)
        self._table.find(name, "time")
        times = np.array([self._time(value, row) for row, value in enumerate(self._read(name))])
        order = np.argsort(times, kind="stable")
        same = np.flatnonzero(np.diff(times[order]) == 0)
        if len(same):
            first, second = (int(order[same[0] + number]) for number in (0, 1))
            message = f"two rows have the same time in column `{name}`"
            where = f"{self._table.where(first)} and {self._table.where(second)}"
            raise DataProblem("E608", message, "keep one row for every step", "time", where)
        return order

    def _time(self, value: Any, row: int) -> float:
        import math

        try:
            time = moment(value, self._source.first) if isinstance(value, str) else float(value)
        except (TypeError, ValueError, OverflowError):
            time = math.nan
        if math.isfinite(time):
            return time
        message = f"`{value}` in column `{self._source.time}` is no date or number"
        raise DataProblem("E608", message, order_help(str(value), self._source.first), "time", self._table.where(row))
