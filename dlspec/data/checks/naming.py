"""Names of columns that number or name something, by what they say and by what they hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Names of columns that number or name something.
_ID = re.compile(
    r"(?:^|[^a-z])(?:id|ids|nr|no|key|idx|index|seqn?|seqno|uuid|guid|serial|subject|patient|person|customer|client|user"
    r"|member|student|employee|account|order|invoice|ticket|flight|session|device|licen[cs]e|plate|tail)(?:$|[^a-z])"
    r"|(?:[a-z](?:Id|ID|Nr|No))$|(?:num|cod|code|number|_?id)$",
)
# Names of times, which are written as numbers.
_TIME = re.compile(
    r"(?:^|[^a-z])(?:(?:year|yr|month|mnth|week|day|weekday|hour|hr|period|quarter)s?|date|time|t|timestamp)(?:$|[^a-z])"
)
# A share of distinct values from which nearly every row has one of its own.
ALL_DIFFERENT = 0.95
# Of fewer rows, all may well have a value of their own.
FEWEST = 20


def names_something(column: str) -> bool:
    """Whether a column's name says that it numbers or names something; `userId` does in its own letters only."""
    return bool(_ID.search(column) or _ID.search(column.lower()))


def is_time(column: str) -> bool:
    """Whether a column's name is that of a time, such as `year`."""
    return _TIME.search(column.lower()) is not None


def in_order(values: Array) -> bool:
    """Whether numbers rise, or fall, from row to row, but for a few."""
    import numpy as np

    steps = np.diff(values)
    return bool((steps > 0).mean() > 0.9 or (steps < 0).mean() > 0.9)
