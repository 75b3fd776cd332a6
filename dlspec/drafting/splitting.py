"""The choice of a split for a table: by time, in groups, by class or by chance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.core.dates import moment
from dlspec.data.checks.naming import is_time
from dlspec.drafting.roles import Judgement, Role
from dlspec.drafting.sample import Sample, Values

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# So many dates, or numbers in order, make a series; fewer where every row has one of its own.
_MOMENTS = 60
_NUMBERS = 30
# Dates since when something has been there, such as `date_of_birth`; so many of them tell whether rows are in order.
_ORIGIN = re.compile(r"(?:^|[^a-z])(?:born|birth|birthday|dob|built|founded|hired)(?:$|[^a-z])|birth")
_LOOKED_AT = 2000
# So many groups of what is observed again and again.
_GROUPS = 10
# Training, validation and test each need an example of a class.
_PARTS = 3
# Rows that a group must have on average, to be one.
_PER_GROUP = 1.5


@dataclass(frozen=True)
class Split:
    """The proposed `by:` of a split, and its reason.

    Attributes:
        by: As the spec writes it: a word, or a word with its column.
        reason: Why.
        groups: A column whose values name the groups, which is then no input.
    """

    by: str | dict[str, Any]
    reason: str
    groups: str = ""


def choose_split(sample: Sample, judged: Mapping[str, Judgement], smallest: int) -> Split:
    """The split that does not let a model see in training what it will be asked about.

    Args:
        sample: The table.
        judged: What each column but the targets is.
        smallest: Rows of the rarest class to be predicted; 0 where it is a number.
    """
    others = {name: column for name, column in sample.columns.items() if name in judged}
    dates = [name for name, judgement in judged.items() if judgement.role is Role.DATE]
    for name in sorted(dates, key=lambda name: -len(others[name].distinct)):
        moments, first = len(others[name].distinct), judged[name].first
        if moments >= min(_MOMENTS, 0.5 * sample.rows) and moments > 20 and not _is_origin(others[name], first):
            by: dict[str, Any] = {"time": name if first == "year" else {"column": name, "first": first}}
            return Split(by, "the latest rows are the test: what is known then is to predict what comes")
    group = _group(sample, judged, others)
    if group:
        return Split({"grouped": group}, f"all rows of one `{group}` in one part: new ones are to be predicted", group)
    series = _series(sample, judged, others)
    if series:
        return series
    if smallest >= _PARTS:
        return Split("stratified", "the share of every class alike in all parts")
    return Split("random", "by chance")


def _is_origin(column: Values, first: str) -> bool:
    """Whether dates say how old each thing is, by their name, and the rows are in no order of them."""
    moments = [moment(str(value), first) for value in column.known[:_LOOKED_AT]]
    return bool(_ORIGIN.search(column.name.lower())) and moments not in (sorted(moments), sorted(moments)[::-1])


def _group(sample: Sample, judged: Mapping[str, Judgement], others: Mapping[str, Values]) -> str:
    named = {name: len(others[name].distinct) for name, judgement in judged.items() if judgement.repeats}
    named = {name: count for name, count in named.items() if len(others[name].known) >= _PER_GROUP * count}
    if named:
        return max(named, key=lambda name: named[name])
    for name, column in others.items():
        if judged[name].role in (Role.WORD, Role.NUMBER, Role.LEFT_OUT) and _panel(column, sample, others):
            return name
    return ""


def _panel(column: Values, sample: Sample, others: Mapping[str, Values]) -> bool:
    """Whether a column names what is observed again and again, equally often.

    Either the rows of one name differ in a column of times, or another column never changes within a name.
    """
    import numpy as np

    counts = column.counts
    names = (column.text or column.whole) and not is_time(column.name)
    if not names or not sample.complete or len(counts) < _GROUPS or column.missing.any():
        return False
    often = int(np.bincount(counts).argmax())
    if often < 2 or often > 200 or (counts == often).mean() < 0.9:
        return False
    order = np.argsort(column.codes, kind="stable")
    same = np.diff(column.codes[order]) == 0
    for other in others.values():
        if other is column or len(other.distinct) < 2:
            continue
        if is_time(other.name) and not other.text and len(other.distinct) == counts.max():
            pairs = np.unique(np.stack([column.codes, other.codes]), axis=1).shape[1]
            if pairs == len(column.values):
                return True
        if len(counts) < 3 * _GROUPS or len(other.distinct) > len(counts) / 2:
            continue
        if (np.diff(other.codes[order])[same] == 0).all():
            return True
    return False


def _series(sample: Sample, judged: Mapping[str, Judgement], others: Mapping[str, Values]) -> Split | None:
    """Rows that are in order of time although no column of dates says so."""
    import numpy as np

    for name, column in others.items():
        if column.text or column.missing.any() or judged[name].role is not Role.NUMBER or not is_time(column.name):
            continue
        if len(column.distinct) >= _NUMBERS and (np.diff(column.values) >= 0).all():
            return Split({"time": name}, f"the rows are in order of `{name}`: the latest are the test")
    if sample.complete and _shifted(others):
        return Split("time", "a column holds another one's value of the row before: the rows are in order of time")
    return None


def _shifted(others: Mapping[str, Values]) -> bool:
    """Whether one column of numbers holds the values that another one has in the row before."""
    import numpy as np

    numbers = [
        column.values
        for column in others.values()
        if not column.text and len(column.distinct) > 0.3 * len(column.values)
    ]
    if len(numbers) < 2 or len(numbers) > 40 or len(numbers[0]) < 50:
        return False
    for first in numbers:
        for second in numbers:
            if first is not second and np.isclose(first[:-1], second[1:], equal_nan=True).mean() > 0.9:
                return True
    return False
