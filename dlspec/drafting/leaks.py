"""Columns that say what is to be predicted: a model that takes them learns nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dlspec.drafting.sample import Values

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# So many rows show it.
_ROWS = 3000
# A single column that predicts the target better than this (R², balanced accuracy) determines it.
_SCORE = 0.98
# Numbers whose sum with weights predicts the target better than this (R²) determine it together.
_TOGETHER = 0.9999
# What matters less in such a sum, as a share of what matters most, has no part in it.
_SHARE = 1e-3


def alone(column: Values, target: Values, *, labelled: bool) -> bool:
    """Whether the target follows from the column: by a decision tree fitted on every other row, judged on the rest."""
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rows = _rows(~target.missing)
    values = column.codes
    if column.text and len(column.distinct) > 0.5 * len(column.known):
        values = column.missing.astype(float)  # where nearly every row has a word of its own, only whether it has one
    values, wanted = values[rows][:, None], target.codes[rows]
    if len(rows) < 20 or (values == values[0]).all() or (wanted[::2] == wanted[0]).all():
        return False
    kind = DecisionTreeClassifier if labelled else DecisionTreeRegressor
    options = {"class_weight": "balanced"} if labelled else {}
    tree = kind(min_samples_leaf=2, random_state=0, **options).fit(values[::2], wanted[::2])
    answers = tree.predict(values[1::2])
    if not labelled:
        return bool(r2_score(wanted[1::2], answers) > _SCORE)
    return bool(_quietly(balanced_accuracy_score, wanted[1::2], answers) > _SCORE)


def together(columns: Sequence[Values], target: Values) -> list[str]:
    """Numbers from which the target follows as a sum with weights, such as the two parts of a total; [] for none."""
    import numpy as np

    if target.text or not columns:
        return []
    rows = _rows(~target.missing)
    wanted = target.values[rows]
    matrix = np.stack(
        [np.where(column.missing, np.nanmean(column.values), column.values)[rows] for column in columns], axis=1
    )
    spread = matrix.std(axis=0)
    usable = spread > 0
    if usable.sum() < 2 or len(rows) < 3 * usable.sum():
        return []
    scaled = (matrix[:, usable] - matrix[:, usable].mean(axis=0)) / spread[usable]
    scaled = np.concatenate([scaled, np.ones((len(rows), 1))], axis=1)
    weights, *_ = np.linalg.lstsq(scaled[::2], wanted[::2], rcond=None)
    left = wanted[1::2] - scaled[1::2] @ weights
    total = ((wanted[1::2] - wanted[1::2].mean()) ** 2).sum()
    if not total or 1 - (left**2).sum() / total <= _TOGETHER:
        return []
    weights = weights[:-1]
    part = np.abs(weights) > _SHARE * np.abs(weights).max()
    names = [column.name for column, ok in zip(columns, usable, strict=True) if ok]
    return [name for name, ok in zip(names, part, strict=True) if ok]


def missing_with(column: Values, target: Values) -> bool:
    """Whether the column is missing only where the target is: both are known only afterwards."""
    both = int((column.missing & target.missing).sum())
    return both >= max(5, 0.5 * int(target.missing.sum())) and both == int(column.missing.sum())


# A target of this name says whether something has happened; a column of the other kind, how long it took.
_EVENTS = (
    "status",
    "fustat",
    "death",
    "dead",
    "died",
    "event",
    "censor",
    "censored",
    "cens",
    "fail",
    "failed",
    "relapse",
)
_DURATIONS = ("time", "futime", "survtime", "survival", "followup", "follow_up", "tstop", "stime", "days", "duration")


def follow_up(columns: Mapping[str, Values], target: Values) -> list[str]:
    """Columns of a study that tell how long somebody was observed until the target happened, or did not."""
    if target.name.lower() not in _EVENTS:
        return []
    return [name for name, column in columns.items() if not column.text and name.lower() in _DURATIONS]


def _rows(known: Array) -> Array:
    import numpy as np

    rows = np.flatnonzero(known)
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _ROWS)).astype(int)] if len(rows) else rows


def _quietly(score: Any, wanted: Array, answers: Array) -> float:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that only one half of the rows has
        return float(score(wanted, answers))
