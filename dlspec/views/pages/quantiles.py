"""Results of outputs that give quantiles: targets below each, and between the outermost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.results import QuantileFigures
from dlspec.views.pages.shares import effective, interval

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def quantile_figures(
    shares: Sequence[float], true: Array, given: Array, weights: Array | None = None
) -> QuantileFigures:
    """The figures of one output.

    Args:
        shares: That of the targets which each quantile leaves below it.
        true: The targets, [examples].
        given: The quantiles, [examples, shares].
        weights: How much each example counts; None where all count alike.
    """
    import numpy as np

    def mean(values: Any) -> Any:
        return np.average(values, axis=0, weights=weights)

    error = true[:, None] - given
    losses = mean(np.maximum(np.array(shares) * error, (np.array(shares) - 1) * error))
    below = mean(error <= 0)
    inside = float(mean((error[:, 0] >= 0) & (error[:, -1] <= 0)))
    return {
        "quantiles": [
            {"share": share, "below": float(fraction), "pinball": float(loss)}
            for share, fraction, loss in zip(shares, below, losses, strict=True)
        ],
        "share": shares[-1] - shares[0],
        "covered": inside,
        "interval": interval(inside, len(true) if weights is None else effective(weights)),
        "width": float(mean(given[:, -1] - given[:, 0])),
        "crossing": float(mean((np.diff(given, axis=1) < 0).any(axis=1))),
    }
