"""The curve of a learning curve: errors that fall as a power of the number of examples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.core.documents.study import CurveFacts, MemberFacts
from dlspec.tuning.studies.figures import CONFIDENCE

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers of examples through which a curve can be drawn.
_FEWEST = 3
# Above this share of the error, the difference to that of the training split is what limits the model.
_MUCH = 0.5
# Of a curve without a floor, the spread of its errors included; and the largest exponent that it may have.
_UNKNOWNS, _STEEPEST = 3, 3
# Curves through errors that are drawn anew; with the share of them that lies below and above an interval.
_DRAWN, _OUTSIDE = 100, (1 - CONFIDENCE) / 2


class Power(NamedTuple):
    """``floor + scale · examples^-exponent``."""

    floor: float
    scale: float
    exponent: float

    def at(self, examples: Any) -> Any:
        """The error with so many examples."""
        return self.floor + self.scale * examples**-self.exponent


def curve(members: Sequence[MemberFacts], part: str, measure: str, *, grows: bool) -> CurveFacts | None:
    """A power law through the errors of all members, and the intervals of what it foretells.

    It is fitted by least squares of the logarithms, since errors scatter in proportion to their size. An error that no
    example removes (the floor) is added where that makes the errors likelier by more than a third unknown does by
    itself: Akaike's criterion, with its correction for few points. Intervals are those of 95 % of curves through
    errors that are drawn anew from those of the same size of training split (the bootstrap), with the scatter that
    the mean of as many new trainings would have.

    Args:
        members: Those that are finished.
        part: Whose errors.
        measure: Its name.
        grows: Whether it is better the larger, and 1 at best: then 1 minus its value is the error.

    Returns:
        None where there are fewer than three sizes, or an error below 0.
    """
    import numpy as np

    points = np.array(list(errors_of(members, part, measure, grows=grows)), float).reshape(-1, 2)
    counts, errors = points[:, 0], points[:, 1]
    if len(np.unique(counts)) < _FEWEST or (errors < 0).any():
        return None
    judged = max((member["examples"].get(part, 0) for member in members), default=0)
    errors = np.maximum(errors, 0.5 / judged if judged else 1e-6)  # none of so many: half a mistake, for the logarithm
    fitted, most = fit(counts, errors), float(counts.max())
    now, tenfold = _intervals(fitted, counts, errors, (most, 10 * most))
    foretold = f"{fitted.at(10 * most):.2g} ({tenfold[0]:.2g} to {tenfold[1]:.2g})"
    return {
        "part": part,
        "measure": measure,
        "grows": grows,
        "floor": fitted.floor,
        "scale": fitted.scale,
        "exponent": fitted.exponent,
        "examples": int(most),
        "now": float(fitted.at(most)),
        "now_interval": now,
        "tenfold": float(fitted.at(10 * most)),
        "tenfold_interval": tenfold,
        "advice": _advice(members, part, measure, grows=grows, tenfold=foretold),
    }


def fit(counts: Array, errors: Array) -> Power:
    """The likelier of a power law with a floor and one without.

    Args:
        counts: How many examples trained each member; shape [members].
        errors: Above 0; the same shape.
    """
    import numpy as np
    from scipy.optimize import least_squares

    logs, targets = np.log(counts), np.log(errors)
    slope, height = np.polyfit(logs, targets, 1)
    plain = Power(0.0, math.exp(height), -float(slope))
    if len(counts) <= _UNKNOWNS + 2 or not 0 < plain.exponent < _STEEPEST:
        return plain
    start = (float(targets.min()) - 1, float(height), plain.exponent)

    def misses(unknowns: Any) -> Any:
        floor, scale, exponent = unknowns
        return np.logaddexp(floor, scale - exponent * logs) - targets

    bounds = (-30, -np.inf, 0), (np.inf, np.inf, _STEEPEST)
    solved = least_squares(misses, start, bounds=bounds, max_nfev=200)
    rest = float(((height + slope * logs - targets) ** 2).sum()), float((solved.fun**2).sum())
    counted = zip(rest, (_UNKNOWNS, _UNKNOWNS + 1), strict=True)  # the spread of the errors is one of them
    without, with_floor = (_criterion(miss, len(counts), unknowns) for miss, unknowns in counted)
    floor, scale, exponent = map(float, solved.x)
    return plain if without <= with_floor else Power(math.exp(floor), math.exp(scale), exponent)


def _criterion(miss: float, points: int, unknowns: int) -> float:
    """Akaike's criterion for least squares; Hurvich and Tsai, "Regression and Time Series Model Selection" (1989)."""
    spread = points * math.log(max(miss, 1e-12) / points)
    return spread + 2 * unknowns + 2 * unknowns * (unknowns + 1) / (points - unknowns - 1)


def _intervals(fitted: Power, counts: Array, errors: Array, sizes: Sequence[float]) -> list[list[float]]:
    """The intervals of the mean error of new trainings with so many examples: lower and upper ends."""
    import numpy as np

    generator = np.random.default_rng(0)
    groups = [np.flatnonzero(counts == count) for count in np.unique(counts)]
    misses = np.log(errors) - np.log(fitted.at(counts))
    spread = math.sqrt(float((misses**2).sum()) / max(1, len(counts) - 3)) / math.sqrt(max(map(len, groups)))
    foretold = []
    for _ in range(_DRAWN):
        drawn = np.concatenate([generator.choice(group, len(group)) for group in groups])
        scatter = math.exp(generator.normal(0, spread))
        foretold.append(fit(counts[drawn], errors[drawn]).at(np.asarray(sizes)) * scatter)
    return [[float(end) for end in ends] for ends in np.quantile(foretold, [_OUTSIDE, 1 - _OUTSIDE], axis=0).T]


def error_at(facts: CurveFacts, examples: float) -> float:
    """The error with so many examples, by the curve."""
    return float(Power(facts["floor"], facts["scale"], facts["exponent"]).at(examples))


def errors_of(members: Sequence[MemberFacts], part: str, measure: str, *, grows: bool) -> Iterator[tuple[int, float]]:
    """How many examples trained each member, and its error; arguments as those of :func:`curve`."""
    for member in members:
        error = _error(member, part, measure, grows=grows)
        if error is not None:
            yield member["examples"]["train"], error


def _error(member: MemberFacts, part: str, measure: str, *, grows: bool) -> float | None:
    value = member["measures"].get(part, {}).get(measure)
    return None if value is None else 1 - value if grows else value


def _advice(members: Sequence[MemberFacts], part: str, measure: str, *, grows: bool, tenfold: str) -> str:
    """What limits the model with all examples: the difference to the training split (variance), or the error there."""
    import numpy as np

    most = max(member["group"] for member in members)
    whole = [member for member in members if member["group"] == most]
    errors: dict[str, float] = {}
    for name in ("train", part):
        values = [_error(member, name, measure, grows=grows) for member in whole]
        errors[name] = float(np.mean([value for value in values if value is not None] or [np.nan]))
    seen, unseen = errors["train"], errors[part]
    if not np.isfinite(seen) or not np.isfinite(unseen):
        return ""
    both = f"the error is {seen:.2g} on the training split and {unseen:.2g} on the {part} split"
    ten = f"ten times the examples would bring {tenfold}, by the curve"
    if unseen - seen > _MUCH * abs(unseen):
        return f"High variance: {both}. More examples, augmentation or regularization help: {ten}."
    return f"High bias: {both}. A larger model, other features or longer training may help; {ten}."
