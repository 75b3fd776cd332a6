"""How much each parameter matters, by what the trials show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# With fewer trials, chance makes every parameter look important.
FEWEST = 6


def importance(trials: Sequence[dict[str, Any]]) -> list[tuple[str, float, int]]:
    """For each parameter: the share of the objective's variation that goes along with it, and in how many trials.

    Both are ranked first, so that single outliers and scales do not decide. For numbers the share is the squared rank
    correlation, which sees what rises or falls throughout; for words and booleans the variance between the groups. Only
    trials count in which the parameter is used. Shares of several parameters overlap, and need not sum to 1.
    """
    done = [trial for trial in trials if trial.get("score") is not None]
    found = []
    for name in dict.fromkeys(name for trial in done for name in trial["values"]):
        pairs = [(trial["values"][name], trial["score"]) for trial in done if name in trial["values"]]
        values = [value for value, _ in pairs]
        if len(pairs) < FEWEST or len({repr(value) for value in values}) < 2:
            continue
        scores = ranks([score for _, score in pairs])
        words = any(isinstance(value, str | bool) for value in values)
        share = _between(values, scores) if words else _correlation(ranks(values), scores) ** 2
        found.append((name, share, len(pairs)))
    return sorted(found, key=lambda one: -one[1])


def ranks(values: Sequence[float]) -> list[float]:
    """The place of each value in their order; equal ones share the mean of their places."""
    order = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(order)))}
    last = {value: place for place, value in enumerate(order)}
    return [(first[value] + last[value]) / 2 for value in values]


def _correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    middle = (len(xs) - 1) / 2
    both = sum((x - middle) * (y - middle) for x, y in zip(xs, ys, strict=True))
    scale = sum((x - middle) ** 2 for x in xs) * sum((y - middle) ** 2 for y in ys)
    return float(both / scale**0.5) if scale else 0.0


def _between(groups: Sequence[Any], ys: Sequence[float]) -> float:
    middle = (len(ys) - 1) / 2
    whole = sum((y - middle) ** 2 for y in ys)
    if not whole:
        return 0.0
    held: dict[str, list[float]] = {}
    for group, y in zip(groups, ys, strict=True):
        held.setdefault(repr(group), []).append(y)
    return float(sum(len(some) * (sum(some) / len(some) - middle) ** 2 for some in held.values()) / whole)
