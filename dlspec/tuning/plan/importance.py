"""Importance of each parameter, by the trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# With fewer trials, chance makes every parameter look important.
FEWEST = 6
_TREES = 200


class Importance(NamedTuple):
    """How much a parameter matters, by the trials.

    Attributes:
        name: Of the parameter.
        share: Of what a random forest learns of the objective, how much it learns from this parameter; from 0 to 1.
        direction: Rank correlation of numbers with the objective (Spearman), from -1 to 1; None for words.
        trials: How many use it.
    """

    name: str
    share: float
    direction: float | None
    trials: int


def importance(trials: Sequence[Mapping[str, Any]]) -> list[Importance]:
    """Importance of each parameter that at least :data:`FEWEST` trials use with more than one value.

    A random forest predicts the objective's ranks, so that single outliers do not decide; a parameter's share is the
    mean decrease of impurity in its nodes (Breiman, "Random Forests", 2001). It sees optima in the middle and
    parameters that matter together, which a correlation does not. Where a trial does not use a parameter, the forest
    sees the usual value.
    """
    done = [trial for trial in trials if trial.get("score") is not None]
    varying = {}
    for name in dict.fromkeys(name for trial in done for name in trial["values"]):
        used = [trial["values"][name] for trial in done if name in trial["values"]]
        if len(used) >= FEWEST and len({repr(value) for value in used}) > 1:
            varying[name] = used
    if not varying:
        return []
    import numpy as np
    from scipy.stats import rankdata
    from sklearn.ensemble import RandomForestRegressor

    columns = {name: _columns(name, used, done) for name, used in varying.items()}
    scores = rankdata([trial["score"] for trial in done])
    forest = RandomForestRegressor(_TREES, random_state=0)
    forest.fit(np.concatenate(list(columns.values()), axis=1), scores)
    ends = np.cumsum([part.shape[1] for part in columns.values()])[:-1]
    shares = [float(part.sum()) for part in np.split(forest.feature_importances_, ends)]
    importances = [
        Importance(name, share, _direction(name, done), len(used))
        for (name, used), share in zip(varying.items(), shares, strict=True)
    ]
    return sorted(importances, key=lambda item: -item.share)


def _is_word(value: Any) -> bool:
    return isinstance(value, str | bool)


def _columns(name: str, used: list[Any], done: Sequence[Mapping[str, Any]]) -> Any:
    """Features of a parameter for the forest: [trials, 1] of a number, one-hot [trials, words] of words."""
    import numpy as np

    if not any(_is_word(value) for value in used):
        return np.array([[trial["values"].get(name, np.median(used))] for trial in done], float)
    texts = [repr(value) for value in used]
    usual = max(sorted(set(texts)), key=texts.count)
    given = [repr(trial["values"][name]) if name in trial["values"] else usual for trial in done]
    return np.array([[text == category for category in sorted(set(texts))] for text in given], float)


def _direction(name: str, done: Sequence[Mapping[str, Any]]) -> float | None:
    from scipy.stats import spearmanr

    pairs = [(trial["values"][name], trial["score"]) for trial in done if name in trial["values"]]
    if any(_is_word(value) for value, _ in pairs) or len({score for _, score in pairs}) < 2:
        return None
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)
