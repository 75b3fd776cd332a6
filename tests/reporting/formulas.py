"""Losses and measures from their definitions, in numpy and scikit-learn: what shares nothing with dlspec but names.

`true` holds class numbers [positions …] of exclusive classes, else 0 and 1 or numbers, [positions …, units]; `given`
what the model gives, [positions …, units]. A loss is one number per position (or one for all, or one per example).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics

Array = np.ndarray[Any, Any]
Loss = Callable[[Array, Array], Array]
Measured = Callable[[Array, Array], float]
LEAST = 1e-7  # Keras takes nothing less for a probability


def softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def same(values: Array) -> Array:
    return values


def margin(values: Array) -> Array:
    """A margin as a share of yes: what hinge loses nothing on is sure."""
    return np.clip((values + 1) / 2, 0, 1)


def hot(true: Array, given: Array) -> Array:
    """Class numbers as rows; a number that is no class is a row of zeros."""
    return (true[..., None] == np.arange(given.shape[-1])).astype(float)


def shares(squash: Callable[[Array], Array], given: Array) -> Array:
    found = squash(given)
    return np.clip(found / found.sum(axis=-1, keepdims=True), LEAST, 1 - LEAST if squash is same else 1)


# --- exclusive classes ------------------------------------------------------------------------------------------------


def crossentropy(squash: Callable[[Array], Array], smoothing: float = 0.0) -> Loss:
    """Minus the logarithm of what the right class is given, of labels moved towards 1 / classes."""

    def loss(true: Array, given: Array) -> Array:
        wanted = hot(true, given) * (1 - smoothing) + smoothing / given.shape[-1]
        return -(wanted * np.log(shares(squash, given))).sum(axis=-1)

    return loss


def categorical_focal(squash: Callable[[Array], Array], alpha: float, gamma: float) -> Loss:
    """Lin et al. 2017: -alpha (1 - p)^gamma ln p of the right class."""

    def loss(true: Array, given: Array) -> Array:
        share = shares(squash, given)
        return (alpha * (1 - share) ** gamma * -np.log(share) * hot(true, given)).sum(axis=-1)

    return loss


def generalized(q: float) -> Loss:
    """Zhang & Sabuncu 2018: (1 - p^q) / q."""
    return lambda true, given: (1 - (hot(true, given) * given).sum(axis=-1) ** q) / q


def categorical_hinge(true: Array, given: Array) -> Array:
    right = hot(true, given)
    return np.maximum(((1 - right) * given).max(axis=-1) - (right * given).sum(axis=-1) + 1, 0)


def divergence(true: Array, given: Array) -> Array:
    """Kullback and Leibler's, of a row of one 1: Keras takes a share of 1e-7 for each 0 as well."""
    wanted = np.clip(hot(true, given), LEAST, 1)
    return (wanted * np.log(wanted / np.clip(given, LEAST, 1))).sum(axis=-1)


# --- yes or no --------------------------------------------------------------------------------------------------------


def binary(squash: Callable[[Array], Array], smoothing: float = 0.0) -> Loss:
    def loss(true: Array, given: Array) -> Array:
        share, wanted = np.clip(squash(given), LEAST, 1 - LEAST), true * (1 - smoothing) + smoothing / 2
        return -(wanted * np.log(share) + (1 - wanted) * np.log(1 - share)).mean(axis=-1)

    return loss


def binary_focal(squash: Callable[[Array], Array], gamma: float, alpha: float | None = None) -> Loss:
    """Lin et al. 2017, equations 4 and 5: (1 - p)^gamma of what the right answer is given, and alpha of a yes."""

    def loss(true: Array, given: Array) -> Array:
        share = np.clip(squash(given), LEAST, 1 - LEAST)
        right = true * share + (1 - true) * (1 - share)
        weight = 1.0 if alpha is None else true * alpha + (1 - true) * (1 - alpha)
        return (weight * (1 - right) ** gamma * -np.log(right)).mean(axis=-1)

    return loss


def hinge(power: int) -> Loss:
    return lambda true, given: (np.maximum(1 - (2 * true - 1) * given, 0) ** power).mean(axis=-1)


def perceptron(true: Array, given: Array) -> Array:
    """The distance from 0 on the wrong side."""
    return np.asarray(np.maximum(-(2 * true - 1) * given, 0).mean(axis=-1))


def widrow_hoff(true: Array, given: Array) -> Array:
    """Half the squared distance from the sign."""
    return np.asarray(((2 * true - 1 - given) ** 2 / 2).mean(axis=-1))


def tversky(misses: float, alarms: float, axes: tuple[int, ...] | None) -> Loss:
    """1 - hits / (hits + misses + false alarms), weighted; with halves it is that of Dice. Without axes one of all."""

    def loss(true: Array, given: Array) -> Array:
        hits, missed = (true * given).sum(axis=axes), (true * (1 - given)).sum(axis=axes)
        return 1 - hits / (hits + misses * missed + alarms * ((1 - true) * given).sum(axis=axes))

    return loss


# --- numbers ----------------------------------------------------------------------------------------------------------


def squares(true: Array, given: Array) -> Array:
    return ((true - given) ** 2).mean(axis=-1)


def absolute(true: Array, given: Array) -> Array:
    return np.abs(true - given).mean(axis=-1)


def huber(bound: float) -> Loss:
    def loss(true: Array, given: Array) -> Array:
        off = np.abs(true - given)
        return np.where(off <= bound, off**2 / 2, bound * (off - bound / 2)).mean(axis=-1)

    return loss


def log_cosh(true: Array, given: Array) -> Array:
    return np.log(np.cosh(given - true)).mean(axis=-1)


def logarithmic(true: Array, given: Array) -> Array:
    return ((np.log1p(true) - np.log1p(given)) ** 2).mean(axis=-1)


def percentage(true: Array, given: Array) -> Array:
    return 100 * (np.abs(true - given) / np.abs(true)).mean(axis=-1)


def poisson(true: Array, given: Array) -> Array:
    """Minus the logarithm of the likelihood of counts, but for what does not depend on the model."""
    return (given - true * np.log(given + LEAST)).mean(axis=-1)


def cosine(true: Array, given: Array) -> Array:
    return (true * given).sum(axis=-1) / np.linalg.norm(true, axis=-1) / np.linalg.norm(given, axis=-1)


def correlation(axis: int, *, concordance: bool = False) -> Measured:
    """Pearson's of each column over all rows (axis 0) or of each row, or Lin's; their mean. Without any spread 0."""

    def measure(true: Array, given: Array) -> float:
        own, other = (true, given) if axis == 0 else (true.T, given.T)
        together = ((own - own.mean(0)) * (other - other.mean(0))).mean(0)
        spread = own.var(0) + other.var(0) + (own.mean(0) - other.mean(0)) ** 2
        above, below = (2 * together, spread) if concordance else (together, own.std(0) * other.std(0))
        found = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
        return float(found.mean())

    return measure


# --- sequences of labels ----------------------------------------------------------------------------------------------


def ctc(true: Array, given: Array) -> Array:
    """Minus the logarithm of the chance of all paths that read as the labels: Graves et al. 2006, equations 6 to 8."""
    return np.array(
        [_paths(row[row > 0].astype(int), softmax(frames)) for row, frames in zip(true, given, strict=True)]
    )


def _paths(labels: Array, share: Array) -> float:
    states = np.zeros(2 * len(labels) + 1, int)
    states[1::2] = labels
    ways = np.zeros(len(states))
    ways[:2] = share[0, states[:2]]
    for frame in share[1:]:
        before, ways = ways, ways.copy()
        ways[1:] += before[:-1]
        leaps = np.arange(2, len(states))[(states[2:] != 0) & (states[2:] != states[:-2])]
        ways[leaps] += before[leaps - 2]
        ways *= frame[states]
    return float(-np.log(ways[-2:].sum()))


def transcript(given: Array, kept: Array) -> list[int]:
    """The likeliest label of each frame, equal neighbours once, without the blank."""
    best = given[kept].argmax(axis=-1).tolist()
    return [label for place, label in enumerate(best) if label and (place == 0 or best[place - 1] != label)]


def edits(some: list[int], other: list[int]) -> int:
    """Levenshtein's distance, row by row."""
    row = list(range(len(other) + 1))
    for place, label in enumerate(some, 1):
        before, row = row, [place]
        for column, wanted in enumerate(other, 1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (label != wanted)))
    return row[-1]


# --- measures ---------------------------------------------------------------------------------------------------------


def mean(loss: Loss) -> Measured:
    return lambda true, given: float(loss(true, given).mean())


def right_class(true: Array, given: Array) -> float:
    return float((given.argmax(axis=-1) == true).mean())


def among(k: int) -> Measured:
    return lambda true, given: float(metrics.top_k_accuracy_score(true, given, k=k, labels=range(given.shape[-1])))


def right_answers(threshold: float) -> Measured:
    return lambda true, given: float(((given > threshold) == true).mean())


def rate(score: Callable[..., Any], threshold: float, unit: int | None = None) -> Measured:
    """scikit-learn's precision or recall of all answers, or those of one unit."""

    def measure(true: Array, given: Array) -> float:
        wanted, answer = as_rows(true, given), (given > threshold).astype(int)
        if unit is not None:
            wanted, answer = wanted[..., unit], answer[..., unit]
        return float(score(wanted.reshape(-1), answer.reshape(-1), zero_division=0))

    return measure


def as_rows(true: Array, given: Array) -> Array:
    """Truth in the shape of the answers: class numbers as rows."""
    return true if true.ndim == given.ndim else hot(true, given)


def cells(of_yes: bool, right: bool, threshold: float) -> Measured:
    """How many answers are yes (or no), and right (or wrong)."""

    def measure(true: Array, given: Array) -> float:
        answer = given > threshold
        return float(((answer == of_yes) & ((answer == true) == right)).sum())

    return measure


def f_score(average: str, beta: float, threshold: float | None) -> Measured:
    """scikit-learn's of rows of yes and no; without a threshold the largest of each row is yes."""

    def measure(true: Array, given: Array) -> float:
        answer = given > threshold if threshold is not None else hot(given.argmax(axis=-1), given) > 0
        wanted = as_rows(true, given) > 0
        if given.shape[-1] == 1:
            return float(metrics.fbeta_score(wanted[:, 0], answer[:, 0], beta=beta, zero_division=0))
        return float(metrics.fbeta_score(wanted, answer, beta=beta, average=average, zero_division=0))

    return measure


def overlap(classes: list[int], *, threshold: float | None = None) -> Measured:
    """The mean of scikit-learn's Jaccard index of some classes, but for those that are neither true nor answered.

    Keras takes an answer at the threshold for yes here, and for no in its other measures.
    """

    def measure(true: Array, given: Array) -> float:
        answer = given.argmax(axis=-1) if threshold is None else (given >= threshold).astype(int)
        wanted, answer = true.reshape(-1), answer.reshape(-1)
        seen = [one for one in classes if one in wanted or one in answer]
        return float(metrics.jaccard_score(wanted, answer, labels=seen, average="macro", zero_division=0))

    return measure


def area(true: Array, given: Array) -> float:
    return float(metrics.roc_auc_score(as_rows(true, given).reshape(-1), given.reshape(-1)))


def areas(true: Array, given: Array) -> float:
    return float(metrics.roc_auc_score(true, given, average="macro"))


def area_of_precision(true: Array, given: Array) -> float:
    """Davis & Goadrich 2006, section 4: between two thresholds hits and false alarms grow in step; by fine steps."""
    order = np.argsort(-given.reshape(-1), kind="stable")
    yes = true.reshape(-1)[order]
    hits, alarms = np.append(0, np.cumsum(yes)), np.append(0, np.cumsum(1 - yes))
    total = 0.0
    for place in np.flatnonzero(np.diff(hits)):  # one hit more, no alarm: x / (x + alarms) over one hit
        total += 1 - alarms[place] * np.log((hits[place] + 1 + alarms[place]) / max(hits[place] + alarms[place], 1))
    return float(total / hits[-1])


def best_precision(recall: float) -> Measured:
    def measure(true: Array, given: Array) -> float:
        precisions, recalls, _ = metrics.precision_recall_curve(true.reshape(-1), given.reshape(-1))
        return float(precisions[:-1][recalls[:-1] >= recall - 1e-12].max())

    return measure


def best_sensitivity(specificity: float) -> Measured:
    def measure(true: Array, given: Array) -> float:
        alarms, hits, _ = metrics.roc_curve(true.reshape(-1), given.reshape(-1), drop_intermediate=False)
        return float(hits[1 - alarms >= specificity - 1e-12].max())

    return measure


def root(true: Array, given: Array) -> float:
    return float(metrics.mean_squared_error(true, given) ** 0.5)


def explained(true: Array, given: Array) -> float:
    return float(metrics.r2_score(true, given))
