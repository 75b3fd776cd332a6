"""A first spec for a series: what comes next in a column, from what was before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dlspec.core.dates import moment
from dlspec.core.errors import Problem
from dlspec.data.checks.naming import is_time
from dlspec.drafting.draft import is_class
from dlspec.drafting.lines import comment
from dlspec.drafting.roles import Role, judge
from dlspec.drafting.sample import Sample, Values
from dlspec.drafting.writing import Training, batch_size, ending, heading
from dlspec.syntax.dumping import flow

# Steps of a series from which one can be learnt.
_FEWEST = 60
# A share of the steps that are as long as most, and how far from them they may be: months have 28 to 31 days.
_REGULAR, _ALIKE = 0.95, 0.15
_DAY = 86_400
# Steps before and steps to predict, by the length of one.
_WINDOWS = (
    ((0.9 * _DAY / 24, 1.1 * _DAY / 24), (48, 24, "two days, hour by hour, for the next one")),
    ((0.9 * _DAY, 1.1 * _DAY), (28, 7, "four weeks, day by day, for the next one")),
    ((6.5 * _DAY, 7.5 * _DAY), (52, 4, "a year, week by week, for the next four")),
    ((27 * _DAY, 32 * _DAY), (24, 6, "two years, month by month, for the next six")),
    ((89 * _DAY, 93 * _DAY), (12, 4, "three years, quarter by quarter, for the next one")),
)
_OTHER = (32, 8, "32 steps for the next eight")


@dataclass(frozen=True)
class Series:
    """A column of numbers with a row for every step in time.

    Attributes:
        time: The column by which rows are ordered; "" where they are in order.
        first: What stands first in its dates: ``year``, ``day`` or ``month``.
        target: The column to predict.
        others: Further columns of numbers that enter.
    """

    time: str
    first: str
    target: str
    others: tuple[str, ...] = ()


def forced_series(sample: Sample, target: str) -> Series:
    """The series that somebody asks for by `--task forecast`.

    Raises:
        Problem: E602 there is no such column; E603 it holds no numbers, or not one for every step.
    """
    if target not in sample.columns or sample.columns[target].text:
        raise Problem("E603" if target in sample.columns else "E602", f"`{target}` is no column of numbers")
    if sample.columns[target].missing.any():
        help = "fill them first, or leave `--task forecast` out: rows without a value are left out then"
        raise Problem("E603", f"numbers of `{target}` are missing, and every row is a step of the series", help)
    time = _time(sample, target)
    others = [
        name
        for name, column in sample.columns.items()
        if name not in (target, time) and judge(column, sample).role is Role.NUMBER and not column.missing.any()
    ]
    return Series(time, _first(sample, time), target, tuple(others))


def natural_series(sample: Sample, target: str) -> Series | None:
    """The series that a table is: numbers and their times, equally far apart, and nothing else to predict from."""
    column = sample.columns.get(target)
    if column is None or column.text or column.missing.any() or is_class(column) or sample.rows < _FEWEST:
        return None
    time = "" if sample.arrays else _time(sample, target)
    if not time:
        return None
    roles = {judge(values, sample).role for name, values in sample.columns.items() if name not in (target, time)}
    if roles - {Role.LEFT_OUT} or not _regular(sample, time):
        return None
    return Series(time, _first(sample, time), target)


def _time(sample: Sample, target: str) -> str:
    """The column of times with the most of them; "" for none."""
    times = [
        name
        for name, column in sample.columns.items()
        if name != target and not column.missing.any() and (_is_date(column, sample) or _is_clock(column))
    ]
    return max(times, key=lambda name: len(sample.columns[name].distinct), default="")


def _is_date(column: Values, sample: Sample) -> bool:
    return column.text and judge(column, sample).role is Role.DATE


def _is_clock(column: Values) -> bool:
    """Whether numbers are times, by their name, with one for every row."""
    return not column.text and is_time(column.name) and len(column.distinct) == len(column.values)


def _first(sample: Sample, time: str) -> str:
    return judge(sample.columns[time], sample).first or "year" if time else "year"


def _steps(sample: Sample, time: str) -> Any:
    """Lengths of the steps from row to row of the sample, in seconds where the column holds dates."""
    import numpy as np

    return np.diff(np.sort(_times(sample, time)))


def _times(sample: Sample, time: str) -> Any:
    """The times of the rows as numbers, seconds where the column holds dates, shape [rows]."""
    import numpy as np

    column, first = sample.columns[time], _first(sample, time)
    values = [moment(str(value), first) for value in column.values] if column.text else column.values
    return np.asarray(values, np.float64)


def _regular(sample: Sample, time: str) -> bool:
    import numpy as np

    steps = _steps(sample, time)
    usual = float(np.median(steps))
    return usual > 0 and bool((abs(steps - usual) <= _ALIKE * usual).mean() >= _REGULAR)


def _window(sample: Sample, series: Series) -> tuple[int, int, str]:
    """Steps that enter, steps to predict, and both in words."""
    import numpy as np

    chosen = _OTHER
    if series.time and sample.columns[series.time].text:
        usual = float(np.median(_steps(sample, series.time))) * sample.rows / sample.total
        chosen = next((usage for (least, most), usage in _WINDOWS if least <= usual <= most), _OTHER)
    window, horizon, _ = chosen
    most = max(2, sample.total // 8)
    if window <= most:
        return chosen
    return most, max(1, min(horizon, most // 2)), "as much as so few rows allow"


def text_of_series(name: str, sample: Sample, series: Series, *, schema: str, command: str) -> str:
    """The text of a spec that predicts a series; see :func:`dlspec.drafting.writing.text_of`."""
    return "\n".join(_lines(name, sample, series, schema, command)) + "\n"


def _lines(name: str, sample: Sample, series: Series, schema: str, command: str) -> Iterator[str]:
    window, horizon, reason = _window(sample, series)
    yield from heading(name, sample, schema, command)
    yield from _layers(series, sample, window, horizon)
    yield "data:"
    yield from comment(f"windows over `{series.target}`: {reason}", "  ")
    yield "  source:"
    yield "    timeseries:"
    yield f"      table: {flow(dict(sample.source))}"
    options = {"time": series.time, "first": series.first} if series.time else {}
    if series.first == "year":
        options.pop("first", None)
    yield from (f"      {key}: {flow(value)}" for key, value in options.items())
    yield f"      targets: {flow(series.target)}"
    if series.others:
        yield f"      series: {flow([series.target, *series.others])}"
    yield f"      window: {window}"
    yield f"      horizon: {horizon}"
    yield "  inputs:"
    yield "    past: {column: past}"
    yield "  targets:"
    yield "    future: {column: future}"
    yield "  # the latest windows are the test, those before them the validation"
    yield "  split: {validation: 0.15, test: 0.15, seed: 1}"
    yield f"  batch_size: {batch_size(int(0.7 * sample.total))}"
    yield from ending("mse", ["mae", "r2_score"], Training(epochs=200, rate="3e-3"))


def _layers(series: Series, sample: Sample, window: int, horizon: int) -> Iterator[str]:
    """How far the next steps are from the last one, by how far the ones before are from it.

    A series may leave the values that it had in training; how far it moves from step to step changes less.
    """
    scales = [_spread(sample, series, name, horizon) for name in (series.target, *series.others)]
    yield "params: {width: 64, dropout: 0.1}"
    yield "layers:"
    yield f"  - cropping1d: {{cropping: [{window - 1}, 0], from: past, name: last}}"
    yield "  - subtract: {from: [past, last], name: moves}          # what a series was, seen from where it is"
    factors = [float(f"{1 / scale:.3g}") for scale in scales]
    yield f"  - rescaling: {{scale: {flow(factors if series.others else factors[0])}}}"
    yield "  - flatten: {name: row}"
    yield "  - dense: {units: $width, activation: relu, kernel_initializer: he_normal}"
    yield "  - dropout: $dropout"
    yield f"  - dense: {{units: {horizon}, name: deep}}"
    yield "  # a linear model beside it, which many a series does best with"
    yield f"  - dense: {{units: {horizon}, kernel_initializer: zeros, from: row, name: linear}}"
    yield "  - add: [deep, linear]"
    yield f"  - rescaling: {{scale: {float(f'{scales[0]:.3g}')}, name: change}}     # back in the units of the data"
    yield "  - flatten: {from: last, name: values}"
    if series.others:
        yield "  - ops.take: {indices: [0], axis: -1, name: start}          # the first of `series`"
    yield f"  - ops.add: [change, {'start' if series.others else 'values'}]"


def _spread(sample: Sample, series: Series, name: str, steps: int) -> float:
    """How far a column moves in so many steps (its standard deviation); 1 where it does not."""
    import numpy as np

    values = sample.columns[name].values
    if series.time:
        values = values[np.argsort(_times(sample, series.time), kind="stable")]
    return float((values[steps:] - values[:-steps]).std()) or 1.0
