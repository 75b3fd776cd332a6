"""The curve of a learning curve: errors that fall as a power of the number of examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.study import CurveFacts, MemberFacts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers of examples through which a curve with three unknowns can be drawn.
_FEWEST = 3
# Above this share of the error, the difference to that of the training split is what limits the model.
_MUCH = 0.5


def curve(members: Sequence[MemberFacts], part: str, measure: str, *, grows: bool) -> CurveFacts | None:
    """A power law with a floor, by least squares, through the errors of all members.

    Args:
        members: Those that are finished.
        part: Whose errors.
        measure: Its name.
        grows: Whether it is better the larger, and 1 at best: then 1 minus its value is the error.

    Returns:
        None where there are fewer than three numbers of examples, or no such curve comes near the errors.
    """
    import numpy as np
    from scipy.optimize import curve_fit

    points = np.array(list(errors_of(members, part, measure, grows=grows)), float).reshape(-1, 2)
    if len(np.unique(points[:, 0])) < _FEWEST:
        return None
    most = float(points[:, 0].max())
    shares, errors = points[:, 0] / most, points[:, 1]  # as shares of the largest, so that all unknowns are near 1
    start = (max(0.0, float(errors.min()) / 2), max(1e-6, float(errors.min()) / 2), 0.5)
    lowest = 0.0 if errors.min() >= 0 else -np.inf
    try:
        fitted, _ = curve_fit(_power, shares, errors, p0=start, bounds=((lowest, 0, 0.01), (np.inf, np.inf, 3)))
    except (RuntimeError, ValueError):
        return None
    floor, scale, exponent = map(float, fitted)
    now, tenfold = float(_power(1.0, *fitted)), float(_power(10.0, *fitted))
    return {
        "part": part,
        "measure": measure,
        "grows": grows,
        "floor": floor,
        "scale": scale * most**exponent,
        "exponent": exponent,
        "examples": int(most),
        "now": now,
        "tenfold": tenfold,
        "advice": _advice(members, part, measure, grows=grows, tenfold=tenfold),
    }


def _power(share: Any, floor: float, scale: float, exponent: float) -> Any:
    return floor + scale * share**-exponent


def error_at(facts: CurveFacts, examples: float) -> float:
    """The error with so many examples, by the curve."""
    return float(facts["floor"] + facts["scale"] * examples ** -facts["exponent"])


def errors_of(members: Sequence[MemberFacts], part: str, measure: str, *, grows: bool) -> Iterator[tuple[int, float]]:
    """How many examples trained each member, and its error; arguments as those of :func:`curve`."""
    for member in members:
        error = _error(member, part, measure, grows=grows)
        if error is not None:
            yield member["examples"]["train"], error


def _error(member: MemberFacts, part: str, measure: str, *, grows: bool) -> float | None:
    value = member["measures"].get(part, {}).get(measure)
    return None if value is None else 1 - value if grows else value


def _advice(members: Sequence[MemberFacts], part: str, measure: str, *, grows: bool, tenfold: float) -> str:
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
    both = f"the error is {seen:.3g} on the training split and {unseen:.3g} on the {part} split"
    if unseen - seen > _MUCH * abs(unseen):
        return f"High variance: {both}. More examples, augmentation or regularization help; ten times the examples " + (
            f"would bring {tenfold:.3g}, by the curve."
        )
    return f"High bias: {both}. More examples bring little ({tenfold:.3g} with ten times as many, by the curve): " + (
        "a larger model, other features or longer training may."
    )
