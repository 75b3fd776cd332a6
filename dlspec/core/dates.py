"""Dates and times as people write them.

The patterns are those of :mod:`dlspec.keras_layers.date_parts`, which reads the same texts inside a model.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

WEEKDAY = r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]?\s+"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_REST = r"((?:[^\d/.-].*)?)$"
_NUMBERS = r"^(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})" + _REST
# Each is brought to `=year|month|day|rest`; a month that was written as a word stands between `#`.
FORMS = (
    (r"^(\d{4})\s*[-/.]\s*(\d{1,2})(?:\s*[-/.]\s*(\d{1,2}))?" + _REST, r"=\1|\2|\3|\4"),
    (r"^(\d{4})(\d{2})(\d{2})" + _REST, r"=\1|\2|\3|\4"),
    (r"^(\d{1,2})(?:st|nd|rd|th)?[\s.,-]*#(\d{2})#[\s.,-]*(\d{4}|\d{2})" + _REST, r"=\3|\2|\1|\4"),
    (r"^#(\d{2})#[\s.-]*(\d{1,2})(?:st|nd|rd|th)?[\s.,-]+(\d{4})" + _REST, r"=\3|\1|\2|\4"),
    (r"^(\d{4})[\s.,-]*#(\d{2})#[\s.,-]*(\d{1,2})" + _REST, r"=\1|\2|\3|\4"),
)
# Where no year stands first, the order of day and month has to be told.
ORDERS = {"year": (), "day": ((_NUMBERS, r"=\3|\2|\1|\4"),), "month": ((_NUMBERS, r"=\3|\1|\2|\4"),)}
TIME = (
    r"^=(\d+)\|(\d+)\|(\d*)\|(?:(?:t|,?\s+)(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9})\d*)?)?\s*(?:([ap])\.?m\.?)?)?"
    r"\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
HELP = "write dates with the year first, as in 2024-12-31"

_EPOCH = datetime(1970, 1, 1)
_DIGITS = re.compile(r"\d")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?=$|[ T])")


class Moment(NamedTuple):
    """A date with a time of day.

    Attributes:
        seconds: Since 1970; in the time of Greenwich where the text says its zone.
        zone: Whether it does.
    """

    seconds: float
    zone: bool


def read_moment(text: str, first: str = "year") -> Moment:
    """Parses a date or moment.

    Args:
        first: What stands first where it is not the year: ``day`` or ``month``; ``year`` takes no such dates.

    Raises:
        ValueError: It is no date.
    """
    written = re.sub(WEEKDAY, "", text.strip().lower(), flags=re.ASCII)
    if not _DIGITS.match(written[:1]) or any("a" <= sign <= "z" for sign in written):
        for number, month in enumerate(MONTHS, 1):
            written = re.sub(month + r"[a-z]*\.?", f"#{number:02d}#", written)
    for pattern, form in (*FORMS, *ORDERS[first]):
        written = re.sub(pattern, form, written, flags=re.ASCII)
    match = re.match(TIME, written, flags=re.ASCII)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, half, zone = match.groups()
    full = int(year) + (0 if len(year) == 4 else 2000 if int(year) <= 68 else 1900)
    moment = datetime(full, int(month), int(day or 1), _hour(hour, half), int(minute or 0), int(second or 0))
    seconds = (moment - _EPOCH).total_seconds() + float(f"0.{fraction or 0}") - 60 * _offset(zone)
    return Moment(seconds, zone is not None)


def moment(text: str, first: str = "year") -> float:
    """Seconds since 1970, of a date with or without a time of day; unless it says its zone, in that of Greenwich.

    Raises:
        ValueError: It is no date.
    """
    return read_moment(text, first).seconds


def is_iso(text: str) -> bool:
    """Whether Python's own reader takes the text, once its year, month and day have two digits at least."""
    plain = _YEAR_FIRST.sub(lambda day: f"{day[1]}-{int(day[2]):02}-{int(day[3] or 1):02}", text, count=1)
    try:
        datetime.fromisoformat(plain)
    except ValueError:
        return False
    return _YEAR_FIRST.match(text) is not None


def order_help(text: str, first: str) -> str:
    """Help for a text that is no date while `first` stands first, but is one in another order."""
    orders = [other for other in ("day", "month") if other != first and _is_moment(text, other)]
    if not orders:
        return HELP
    ways = " or ".join(f"`first: {other}`" for other in orders)
    return f"if the {' or the '.join(orders)} stands first, write {ways}"


def _is_moment(text: str, first: str) -> bool:
    try:
        read_moment(text, first)
    except ValueError:
        return False
    return True


def _hour(hour: str | None, half: str | None) -> int:
    number = int(hour or 0)
    if half is None:
        return number
    if not 1 <= number <= 12:
        raise ValueError(hour)
    return number % 12 + (12 if half == "p" else 0)


def _offset(zone: str | None) -> int:
    """Minutes that a zone is ahead of Greenwich."""
    if zone is None or not zone.startswith(("+", "-")):
        return 0
    digits = zone[1:].replace(":", "")
    minutes = 60 * int(digits[:2]) + int(digits[2:] or 0)
    return -minutes if zone[0] == "-" else minutes
