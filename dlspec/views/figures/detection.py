"""Outliers: scores above a threshold that few training examples exceed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.core.documents.figures import Detection

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_POINTS = 200


def threshold(scores: Array, share: float) -> float:
    """The threshold that `share` of the scores exceed: their quantile, interpolated linearly."""
    import numpy as np

    return float(np.quantile(scores.astype(np.float64), 1 - share))


def detection(scores: Array, outlier: Array, limit: float) -> Detection:
    """How well scores above `limit` tell outliers.

    Args:
        scores: Shape [examples].
        outlier: Which examples are outliers, booleans of the same shape.
        limit: The threshold.
    """
    import numpy as np

    above = scores > limit
    result: Detection = {
        "outliers": int(outlier.sum()),
        "auc": None,
        "recall": _share(above[outlier]),
        "false_alarms": _share(above[~outlier]),
        "precision": _share(outlier[above]),
        "roc": [],
    }
    if 0 < outlier.sum() < len(outlier):
        from sklearn.metrics import roc_auc_score, roc_curve

        result["auc"] = float(roc_auc_score(outlier, scores))
        alarms, hits, _ = roc_curve(outlier, scores)
        kept = np.unique(np.linspace(0, len(hits) - 1, _POINTS).astype(int))
        result["roc"] = [[float(a), float(b)] for a, b in zip(alarms[kept], hits[kept], strict=True)]
    return result


def _share(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None
