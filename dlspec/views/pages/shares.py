"""Measures that are made of counts: shares, their interval, the area under a curve, the share of a spread."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def ratio(part: float, whole: float) -> float | None:
    """`part` divided by `whole`; None where `whole` is 0."""
    return float(part / whole) if whole else None


def effective(weights: Array) -> float:
    """Effective number of examples: (Σ w)² / Σ w² (Kish 1965), the count of equal weights that are as sure."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def interval(share: float, count: float) -> list[float] | None:
    """Wilson's interval, which holds the true share in 95 of 100 cases."""
    if not count:
        return None
    z = 1.959964
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return [max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)]


def auc(true: Array, score: Array, weights: Array | None = None) -> float | None:
    """The chance that a random yes is given more than a random no; equal ones count half."""
    import numpy as np

    if weights is not None:
        return _weighed_auc(true, score, weights)
    yes = int((true == 1).sum())
    no = len(true) - yes
    if not yes or not no:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2
    return float((ranks[inverse][true == 1].sum() - yes * (yes + 1) / 2) / (yes * no))


def _weighed_auc(true: Array, score: Array, weights: Array) -> float | None:
    import numpy as np

    _, inverse = np.unique(score, return_inverse=True)
    yes, no = (np.bincount(inverse, weights=weights * (true == label)) for label in (1, 0))
    pairs = float(yes.sum() * no.sum())
    return float((yes * (no.cumsum() - no / 2)).sum() / pairs) if pairs else None


def explained(squares: Array, spread: Array) -> Array:
    """R² of each number, as scikit-learn's ``r2_score`` gives it: 1 − squared errors / squared distances from the mean.

    Where the truth never changes, it is 1 for right answers and 0 for all others.
    """
    import numpy as np

    safe = np.where(spread > 0, spread, 1.0)
    return np.where(spread > 0, 1 - squares / safe, np.where(squares > 0, 0.0, 1.0))
