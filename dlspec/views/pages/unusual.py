"""Unusual values of single examples of a table, compared with the training split: a ground for many mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem
from dlspec.data.binding.missing import gaps
from dlspec.data.sources.base import Arrays, Table
from dlspec.views.pages.verdict import figure, percent

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Training examples that are compared with, at equal distances of more; of fewer than that, nothing is unusual.
_ROWS, _FEWEST = 10_000, 100
# Shares of the numbers that lie below what is usual, and above; a share of the examples below which a word is rare.
_BELOW, _ABOVE, _RARE = 0.01, 0.99, 0.01
# Texts of which so many are different are read, not counted.
_TEXTS = 0.5
_MOST = 3


def unusual(table: Table, columns: Arrays, train: Array) -> list[list[str]]:
    """For each example, sentences on columns (a few) in which it is unlike the training examples.

    Args:
        table: The source; one that is streamed is not read for that.
        columns: Values of the examples as they stand in it, by column.
        train: Numbers of the training examples.
    """
    import numpy as np

    count = len(next(iter(columns.values()), ()))
    sentences: list[list[str]] = [[] for _ in range(count)]
    if table.streamed or table.draws or len(train) < _FEWEST:
        return sentences
    chosen = train[np.unique(np.linspace(0, len(train) - 1, min(_ROWS, len(train))).astype(np.int64))]
    for name, values in columns.items():
        if values.ndim > 1:
            continue
        try:
            say = (
                _numbers(table.whole(name)[chosen])
                if values.dtype != object
                else _judge_words(table.whole(name)[chosen])
            )
        except Problem:  # the files went away meanwhile
            return sentences
        for lines, value in zip(sentences, values.tolist(), strict=True):
            if len(lines) < _MOST and (why := say(value)):
                lines.append(f"{name} {why}")
    return sentences


def _numbers(known: Array) -> Callable[[Any], str]:
    """Says how a number is unlike others; "" where it is not."""
    import numpy as np

    missing = gaps(known)
    share, known = float(missing.mean()), known[~missing].astype(np.float64)
    low, high = np.quantile(known, [_BELOW, _ABOVE]).tolist() if len(known) else (-np.inf, np.inf)

    def say(value: Any) -> str:
        if value != value:
            return f"is missing, as in {percent(share)} of training examples" if share < _RARE else ""
        if low <= value <= high:
            return ""
        return f"{figure(float(value))} is unusual: 98 of 100 training examples have {figure(low)} to {figure(high)}"

    return say


def _judge_words(known: Array) -> Callable[[Any], str]:
    """Says that a word is rare; "" where it is not, or where nearly all are."""
    from collections import Counter

    counts = Counter(known.tolist())

    def say(value: Any) -> str:
        times = counts[value]
        if times >= _RARE * len(known) or len(counts) > _TEXTS * len(known):
            return ""
        shown = f"“{str(value)[:40]}”" if value else "(empty)"
        return f"{shown} is in {f'{times:,}' if times else 'none'} of {len(known):,} training examples"

    return say
