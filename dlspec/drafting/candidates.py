"""Columns of a table that could be predicted, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dlspec.drafting.draft import is_class
from dlspec.drafting.roles import Role, judge
from dlspec.drafting.sample import Sample, Values

_NAMES = re.compile(
    r"(?:^|[^a-z])(?:target|label|class|y|outcome|response|price|status|churn(?:ed)?|default|deny|approve[d]?|survived"
    r"|sold|score|rating|species|kind|type|category|diagnosis|death)(?:$|[^a-z])"
)
# Columns that are offered as targets.
_OFFERED = 12


def candidates(sample: Sample) -> list[tuple[str, str]]:
    """Names of columns, and in words what each would be: classes, or a number."""
    judged = {name: judge(column, sample).role for name, column in sample.columns.items()}
    usable = [name for name, role in judged.items() if role in (Role.NUMBER, Role.WORD)]
    last = list(sample.columns)[-1]
    likely = sorted(usable, key=lambda name: (not _NAMES.search(name.lower()), name != last, usable.index(name)))
    return [(name, _word_meaning(sample.columns[name])) for name in likely if len(sample.columns[name].distinct) > 1]


def offer(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The first of the :func:`candidates` for people, one a line below a head."""
    if not pairs:
        return ["no column could be predicted"]
    return ["columns that could be predicted:", *(f"  {name}: {meaning}" for name, meaning in pairs[:_OFFERED])]


def _word_meaning(column: Values) -> str:
    if not is_class(column):
        return f"a number from {column.distinct[0]:.4g} to {column.distinct[-1]:.4g}"
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in column.distinct[:4].tolist()]
    return f"one of {len(column.distinct):,} classes: {', '.join(shown)}{', …' if len(column.distinct) > 4 else ''}"
