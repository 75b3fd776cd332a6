"""Roles of the columns of a table: numbers, words, texts, dates, or no input at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dlspec.core.dates import moment
from dlspec.data.checks.naming import ALL_DIFFERENT, FEWEST, in_order, is_time, names_something
from dlspec.drafting.arrays import Examples, in_words
from dlspec.drafting.sample import Sample, Values


class Role(Enum):
    """The use of a column in a drafted spec."""

    NUMBER = "number"
    WORD = "word"
    TEXT = "text"
    DATE = "date"
    IMAGE = "image"
    SEQUENCE = "sequence"
    ROW = "row of numbers"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Judgement:
    """The role of a column, and why.

    Attributes:
        role: What it is.
        reason: Why it is left out; "" for an input.
        repeats: Whether it names something that has several rows.
        first: What stands first in its dates: ``year``, ``day`` or ``month``; "" where it holds none.
    """

    role: Role
    reason: str = ""
    repeats: bool = False
    first: str = ""


_NAME = re.compile(r"(?:^|[^a-z])(?:name|title|label|genus|model|make|brand|designation)(?:$|[^a-z])|name$")
_CODE = re.compile(r"(?:^|[^a-z])(?:zip|postal|postcode|post)(?:$|[^a-z])|code$")

# A share of the rows that lack a value above which a column of numbers or words says too little.
_MOSTLY_MISSING = 0.8
# From so many rows on, texts of several words are worth learning from.
_TEXT_ROWS = 1000
_TEXT_WORDS = 2.5
# So many different words are tried as dates.
_DATES = 2000


def judge(column: Values, sample: Sample) -> Judgement:
    """The role of a column, by its values first and by its name where they leave it open."""
    if not len(column.known):
        return left_out("empty")
    share = column.missing.mean()
    if len(column.distinct) == 1 and not share:
        return left_out(f"always {_cut(column.distinct[0])}")
    if share > _MOSTLY_MISSING:
        return left_out(f"missing in {share:.0%} of the rows")
    return _judge_words(column, sample) if column.text else _number(column)


def judge_arrays(examples: Examples) -> Judgement:
    """The role of a column of which each example is an array."""
    import numpy as np

    if not examples.kind or not np.issubdtype(examples.values.dtype, np.number):
        return left_out(f"{in_words(examples)}: none that a first model takes")
    if examples.kind != "row" and examples.gaps:
        return left_out("numbers are missing inside: fill them first")
    return Judgement({"image": Role.IMAGE, "sequence": Role.SEQUENCE, "row": Role.ROW}[examples.kind])


def texts_of(judged: Mapping[str, Judgement], sample: Sample) -> dict[str, Judgement]:
    """Columns of texts among those that were left out as names, for data in which nothing else is left to enter."""
    left = (name for name, judgement in judged.items() if judgement.role is Role.LEFT_OUT and sample.columns[name].text)
    return {name: Judgement(Role.TEXT) for name in left if _mean_length(sample.columns[name]) >= _TEXT_WORDS}


def _mean_length(column: Values) -> float:
    """Words of a value, on average."""
    lengths = [len(str(value).split()) for value in column.distinct[:2000]]
    return sum(lengths) / max(1, len(lengths))


def _number(column: Values) -> Judgement:
    distinct, known = len(column.distinct), len(column.known)
    if not column.whole:
        return Judgement(Role.NUMBER)
    name = names_something(column.name)
    if distinct >= ALL_DIFFERENT * known and known > FEWEST:
        span = column.distinct[-1] - column.distinct[0] + 1
        if span <= 1.1 * known and in_order(column.known):
            return Judgement(Role.NUMBER) if is_time(column.name) else left_out("numbers the rows")
        return left_out("another number in every row, a name of it") if name else Judgement(Role.NUMBER)
    if _CODE.search(column.name.lower()) and distinct > 20:
        return Judgement(Role.WORD)
    if name and distinct > max(20, 0.02 * known):
        return Judgement(Role.LEFT_OUT, f"a name: {distinct:,} different numbers", repeats=True)
    return Judgement(Role.NUMBER)


def _judge_words(column: Values, sample: Sample) -> Judgement:
    distinct, known = len(column.distinct), len(column.known)
    orders = date_orders(column)
    if len(orders) == 1:
        return Judgement(Role.DATE, first=orders[0])
    if orders:
        return left_out("dates of which nothing tells whether the day or the month stands first")
    if distinct > 0.5 * known and _mean_length(column) >= _TEXT_WORDS and sample.total >= _TEXT_ROWS:
        return Judgement(Role.TEXT)
    name = _NAME.search(column.name.lower()) or names_something(column.name)
    if distinct >= ALL_DIFFERENT * known and known > FEWEST:
        return left_out("another word in every row, a name of it")
    if name and distinct > max(20, 0.02 * known):
        return Judgement(Role.LEFT_OUT, f"a name: {distinct:,} different words", repeats=True)
    if distinct > max(20, 0.5 * known):
        return left_out(f"{distinct:,} different words in {known:,} rows")
    return Judgement(Role.WORD)


def date_orders(column: Values) -> list[str]:
    """Possible first parts of the dates of a column (``year``, ``day``, ``month``); [] where it holds no dates."""
    known = column.distinct[:: max(1, len(column.distinct) // _DATES)]
    if not len(known) or not any(digit in str(known[0]) for digit in "0123456789"):
        return []
    if all(_is_moment(str(value), "year") for value in known):
        return ["year"]
    orders = [first for first in ("day", "month") if all(_is_moment(str(value), first) for value in known)]
    alike = len(orders) > 1 and all(moment(str(value), "day") == moment(str(value), "month") for value in known)
    return orders[:1] if alike else orders


def _is_moment(text: str, first: str) -> bool:
    try:
        moment(text, first)
    except ValueError:
        return False
    return True


def left_out(reason: str) -> Judgement:
    """A judgement that leaves a column out."""
    return Judgement(Role.LEFT_OUT, reason)


def _cut(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else f"`{value}`"
    return text if len(text) <= 30 else text[:28] + "…`"
