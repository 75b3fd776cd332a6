"""What the members of a study have in common: means, spreads and intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

from dlspec.components.methods.studies import Study
from dlspec.core.documents.study import MemberFacts, Summary

# How sure it is that an interval holds the mean.
CONFIDENCE = 0.95


def summaries(study: Study, members: Sequence[MemberFacts], shares: Collection[str] = ()) -> list[Summary]:
    """Every measure of every part, group by group.

    Args:
        study: The study, which says how members depend on each other.
        members: Those that are finished.
        shares: Measures that lie between 0 and 1.
    """
    groups = dict.fromkeys(member["group"] for member in members)
    return [line for group in groups for line in _of(group, study, members, shares)]


def _of(group: float, study: Study, members: Sequence[MemberFacts], shares: Collection[str]) -> Iterator[Summary]:
    own = [member for member in members if member["group"] == group]
    keys = dict.fromkeys(
        (part, name) for member in own for part, measured in member["measures"].items() for name in measured
    )
    sizes = {part: sum(member["examples"].get(part, 0) for member in own) for part in ("train", "test")}
    for part, name in keys:
        each = (member["measures"].get(part, {}).get(name) for member in own)
        values = [value for value in each if value is not None and math.isfinite(value)]
        if values:
            factor = study.spread({**sizes, "members": len(values)})
            yield summary(group, part_name(study, part), name, values, factor, share=name in shares)


def part_name(study: Study, part: str) -> str:
    """How a part of the members is called in the figures of the study."""
    return study.part_name if study.part_name and part == study.judged else part


def summary(
    group: float, part: str, measure: str, values: Sequence[float], factor: float, *, share: bool = False
) -> Summary:
    """Mean, standard deviation and interval of some values.

    The interval is mean ± t · √(factor · variance), with Student's t of n − 1 degrees of freedom; that of a share ends
    at 0 and 1, beyond which no mean can lie.

    Args:
        group: Of the members.
        part: Of the data.
        measure: Its name.
        values: At least one.
        factor: By which the variance of the mean is smaller than that of the values.
        share: Whether the values lie between 0 and 1.
    """
    import numpy as np

    mean, count = float(np.mean(values)), len(values)
    std = float(np.std(values, ddof=1)) if count > 1 else None
    half = None if std is None else _quantile(count - 1) * math.sqrt(factor) * std
    return {
        "group": group,
        "part": part,
        "measure": measure,
        "count": count,
        "mean": mean,
        "std": std,
        "low": None if half is None else max(mean - half, 0.0 if share else -math.inf),
        "high": None if half is None else min(mean + half, 1.0 if share else math.inf),
        "smallest": min(values),
        "largest": max(values),
    }


def _quantile(freedom: int) -> float:
    """The value that Student's t exceeds in magnitude with a probability of 5 %."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, freedom))
