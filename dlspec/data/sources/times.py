"""Dates and times of columns of text as numbers that can be sorted."""

from __future__ import annotations

import re
from datetime import datetime, timezone

# Year first, then the month and, mostly, the day; in other orders nobody knows which is which.
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?=$|[ T])")
HELP = "write dates with the year first, as in 2024-12-31"


def moment(text: str) -> float:
    """Seconds since 1970, of a date with or without a time of day; unless it says its zone, in that of Greenwich.

    Raises:
        ValueError: It is no date, or none whose year comes first.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.fromisoformat(_DAY.sub(_iso, text.strip(), count=1))
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()


def _iso(day: re.Match[str]) -> str:
    return f"{day[1]}-{int(day[2]):02}-{int(day[3] or 1):02}"
