"""Columns of a table that could be predicted, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dlspec.core.errors import Problem
from dlspec.drafting.arrays import Examples
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
    last = ([*sample.columns] or [""])[-1]
    likely = sorted(usable, key=lambda name: (not _NAMES.search(name.lower()), name != last, usable.index(name)))
    single = [(name, _word_meaning(sample.columns[name])) for name in likely if len(sample.columns[name].distinct) > 1]
    arrays = [(name, _arrays_meaning(examples)) for name, examples in sample.arrays.items()]
    return single + [(name, meaning) for name, meaning in arrays if meaning]


def check_any(sample: Sample, pairs: Sequence[tuple[str, str]]) -> None:
    """There is something to predict, and something to predict it from.

    Raises:
        Problem: E602, with what else is needed.
    """
    if pairs and len(sample.columns) + len(sample.arrays) > 1:
        return
    kind = next(iter(sample.source))
    what, help = _NEEDED.get(kind, ("holds nothing that could be predicted", "a target is a column of its own"))
    raise Problem("E602", f"`{sample.shown}` {what}", help)


_SORTED = "sort them into a folder for each class"
_LISTED = "are to be predicted, name the files in a table with the number beside each, for the source `image_table`"
_NEEDED = {
    "image_folder": ("holds images, and nothing that says what they are", f"{_SORTED}; or, where numbers {_LISTED}"),
    "audio_folder": ("holds sounds, and nothing that says what they are", _SORTED),
    "text_folder": ("holds texts, and nothing that says what they are", _SORTED),
    "text_lines": (
        "holds lines of text, and nothing that says what they are",
        "write what each line is into a file of as many lines, and name it: `--target classes.txt`",
    ),
}


def _arrays_meaning(examples: Examples) -> str:
    """What the arrays of a column would be as a target; "" for none."""
    if len(examples.shape) == 1:
        return f"{examples.shape[0]:,} numbers"
    if not examples.classes:
        return ""
    return f"one of {len(examples.classes)} classes for each of {examples.shape[0]} × {examples.shape[1]} pixels"


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
