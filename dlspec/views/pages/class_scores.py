"""Counting right and wrong classes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from dlspec.core.documents.results import ClassBaseline, ClassDetails, ClassFigures, ClassKind
from dlspec.data.binding.tasks import CHOICE, STEPS, YES_NO, Task, answers, counted, spread, true_classes, yes_share
from dlspec.views.pages.reliability import Reliability
from dlspec.views.pages.shares import auc, effective, interval, ratio

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MATRIX_LIMIT = 100
# Keras's crossentropies take nothing less for a probability.
_LEAST = 1e-7


@dataclass(slots=True)
class Classes:
    """Classes against classes: the confusion matrix and what follows from it.

    A prediction that is not a number is an answer of no class, and wrong. Where examples weigh, counts are sums of
    weights.
    """

    task: Task
    trivial: Any = None
    matrix: Any = 0
    right: Any = 0
    guessed: Any = 0
    known: Any = 0
    silent: Any = 0
    examples: int = 0
    positions: int = 0
    whole: float = 0
    filled: float = 0
    surprise: float = 0.0
    yes: list[Array] = field(default_factory=list)
    true: list[Array] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    reliability: Reliability | None = None
    _seen: Any = 0

    def __post_init__(self) -> None:
        if self.task.likelihood and self.task.kind in (CHOICE, YES_NO):
            self.reliability = Reliability(len(self.task.names) == 2)

    def learn(self, targets: Array, mask: Array | None = None, weights: Array | None = None) -> None:
        """Learns the trivial answer: the most frequent class."""
        import numpy as np

        shares = self._spread_over_classes(targets)
        if shares is not None:
            valid = counted(mask, shares.shape[:-1])
            own = spread(weights, valid)
            kept = (shares[valid] if own is None else shares[valid] * own[:, None]).sum(axis=0)
        else:
            labels = self._labels(targets)
            valid = counted(mask, labels.shape) & self._inside(labels)
            kept = np.bincount(labels[valid], weights=spread(weights, valid), minlength=len(self.task.names))
        self._seen = self._seen + kept
        self.trivial = np.asarray(self._seen.argmax())

    @property
    def usual(self) -> Any:
        """The share of each class among those from which the trivial answer was learnt; None before that."""
        import numpy as np

        total = float(np.sum(self._seen))
        return self._seen / total if total else None

    def _spread_over_classes(self, targets: Array) -> Array | None:
        """One-hot rows, or shares of classes; None where the targets are class numbers."""
        count = len(self.task.names)
        if targets.dtype.kind == "f" and targets.shape[-1:] == (count,) and targets.ndim > 1:
            return targets
        return None

    def _labels(self, targets: Array) -> Array:
        shape = targets.shape[:-1] if targets.ndim > 1 and targets.shape[-1] == 1 else targets.shape
        return true_classes(self.task, targets, shape)

    def _inside(self, labels: Array) -> Array:
        """Mask of the labels that name a class that counts."""
        valid: Array = (labels >= 0) & (labels < len(self.task.names))
        return valid if self.task.ignored is None else valid & (labels != self.task.ignored)

    def add(self, predicted: Array, target: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
        """Counts pairs of true and predicted classes."""
        import numpy as np

        judged = answers(self.task, predicted, target)
        count = len(self.task.names)
        valid = self._inside(judged.true) & counted(mask, judged.true.shape)
        answered = valid & ~np.isnan(judged.probabilities).any(axis=-1)
        own, mute = spread(weights, answered), valid & ~answered
        self._count_pairs(judged.true[answered], judged.guess[answered], own)
        self.silent = self.silent + np.bincount(judged.true[mute], spread(weights, mute), minlength=count)
        self.examples += len(target)
        self.positions += int(valid.sum())
        each = own if self.task.kind == YES_NO else spread(weights, valid)
        if each is not None:
            self.weights.append(each)
        if self.task.kind == YES_NO:
            self.yes.append(predicted.reshape(-1)[answered])
            self.true.append(judged.true[answered])
        if self.reliability is not None:
            self.reliability.add(judged.true[answered], judged.probabilities[answered], own)
        truth = np.where(valid, judged.true, 0)[..., None]
        chance = np.take_along_axis(judged.probabilities, truth, axis=-1)[..., 0]
        if self.task.likelihood:
            logs = np.log(np.clip(chance[valid], _LEAST, 1))
            each = spread(weights, valid)
            self.surprise -= float((logs if each is None else logs * each).sum())
        self._count_whole((judged.true == judged.guess) & answered, valid, weights)
        wrong: Array = np.where(valid, 1 - chance, 0.0).reshape(len(target), -1)
        mean: Array = wrong.sum(axis=1) / np.maximum(valid.reshape(len(target), -1).sum(axis=1), 1)
        return mean

    def _count_pairs(self, true: Array, guess: Array, weights: Array | None) -> None:
        """Counts true classes, answers, and right ones; all pairs where the classes are few."""
        import numpy as np

        count, hit = len(self.task.names), true == guess
        self.known = self.known + np.bincount(true, weights, minlength=count)
        self.guessed = self.guessed + np.bincount(guess, weights, minlength=count)
        hits = np.bincount(true[hit], None if weights is None else weights[hit], minlength=count)
        self.right = self.right + hits
        if count <= MATRIX_LIMIT:
            pairs = np.bincount(true * count + guess, weights, minlength=count * count)
            self.matrix = self.matrix + pairs.reshape(count, count)

    def _count_whole(self, right: Array, valid: Array, weights: Array | None) -> None:
        """Sequences of which every step is right, among those that have any."""
        flat = valid.reshape(len(valid), -1)
        some = flat.any(axis=1)
        whole = some & ~(flat & ~right.reshape(len(valid), -1)).any(axis=1)
        self.filled += some.sum() if weights is None else weights[some].sum()
        self.whole += whole.sum() if weights is None else weights[whole].sum()

    def facts(self) -> ClassDetails:
        """Accuracy with its interval, the trivial answer's, and each class by itself."""
        import numpy as np

        right = np.asarray(self.right).astype(float)
        true, guessed = self.known + self.silent, self.guessed
        total = float(true.sum())
        accuracy = float(right.sum() / (total or 1))
        rows = class_rows(self.task.names, right, true, guessed)
        details: ClassDetails = {
            "kind": cast("ClassKind", self.task.kind),
            "examples": self.examples,
            "positions": self.positions,
            "accuracy": accuracy,
            "interval": self._interval(accuracy) if self.positions == self.examples else None,
            "baseline": self._baseline(true),
            "classes": rows,
            "mean_f1": _mean(row["f1"] for row in rows if row["examples"]),
            "mean_iou": _mean(row["iou"] for row in rows if row["examples"]),
        }
        if self.task.kind == STEPS:
            details["exact"] = ratio(self.whole, self.filled)
        if self.task.likelihood and self.task.kind == STEPS and total:
            details["perplexity"] = math.exp(self.surprise / total)
        if len(self.task.names) <= MATRIX_LIMIT:
            details["confusion"] = self.matrix.tolist()
        if self.task.chosen:
            details["threshold"] = self.task.threshold
        if self.reliability is not None and (figures := self.reliability.figures()) is not None:
            details["reliability"] = figures
        if self.yes:
            own = np.concatenate(self.weights) if self.weights else None
            details["auc"] = auc(np.concatenate(self.true), np.concatenate(self.yes), own)
        return details

    def _interval(self, accuracy: float) -> list[float] | None:
        import numpy as np

        return interval(accuracy, effective(np.concatenate(self.weights)) if self.weights else self.positions)

    def shares(self) -> tuple[Array, Array]:
        """For a yes or no: the truth, and the given probability of yes, shape [examples] each."""
        import numpy as np

        return np.concatenate(self.true), yes_share(self.task, np.concatenate(self.yes).astype(np.float64))

    def _baseline(self, true: Array) -> ClassBaseline | None:
        if self.trivial is None:
            return None
        usual = int(self.trivial)
        return {
            "answer": self.task.names[usual] if usual < len(self.task.names) else str(usual),
            "accuracy": float(true[usual] / (float(true.sum()) or 1)) if usual < len(true) else 0.0,
        }


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _count(value: Any) -> float:
    """A count, or a sum of weights."""
    return float(value) if value % 1 else int(value)


def class_rows(names: tuple[str, ...], right: Array, true: Array, guessed: Array) -> list[ClassFigures]:
    """Each class by itself, from how often it was answered rightly, was true, and was answered."""
    return [
        {
            "name": name,
            "examples": _count(true[number]),
            "predicted": _count(guessed[number]),
            "precision": ratio(right[number], guessed[number]),
            "recall": ratio(right[number], true[number]),
            "f1": ratio(2 * right[number], true[number] + guessed[number]),
            "iou": ratio(right[number], true[number] + guessed[number] - right[number]),
        }
        for number, name in enumerate(names)
    ]


@dataclass(slots=True)
class Tags:
    """Several independent yes or no: counts for each of them, over the steps too where there are some."""

    task: Task
    trivial: Any = None
    counts: Any = 0
    examples: int = 0
    _seen: Any = 0
    _of: float = 0

    def learn(self, targets: Array, mask: Array | None = None, weights: Array | None = None) -> None:
        """The more frequent answer to each question."""
        valid = counted(mask, targets.shape[:-1])
        kept, own = targets[valid] > 0.5, spread(weights, valid)
        self._seen = self._seen + (kept.sum(axis=0) if own is None else own @ kept)
        self._of += len(kept) if own is None else float(own.sum())
        self.trivial = self._seen > self._of / 2

    @property
    def usual(self) -> Any:
        """The share of yes to each question; None before the trivial answer was learnt."""
        return self._seen / self._of if self._of else None

    def add(self, predicted: Array, target: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
        """Counts true and false, yes and no."""
        import numpy as np

        valid = counted(mask, predicted.shape[:-1])
        target = target.reshape(predicted.shape)
        true, guess = target[valid] > 0.5, predicted[valid] > self.task.threshold
        own = spread(weights, valid)
        cells = true & guess, ~true & guess, true & ~guess, ~true & ~guess
        self.counts = self.counts + np.stack([cell.sum(0) if own is None else own @ cell for cell in cells])
        self.examples += len(target)
        off = np.abs(yes_share(self.task, predicted.astype(np.float64)) - (target > 0.5)).mean(axis=-1)
        return mean_of(off, valid)

    def facts(self) -> ClassDetails:
        """Share of right answers, the trivial ones', and each question by itself."""
        import numpy as np

        hit, false, missed, clear = self.counts.astype(float)
        total = self.counts.sum()
        yes, no = hit + missed, false + clear
        names = self.task.names or tuple(map(str, range(len(hit))))
        baseline: ClassBaseline | None = None
        if self.trivial is not None:
            trivial = float(np.where(self.trivial, yes, no).sum() / (total or 1))
            baseline = {"answer": "the more frequent answer of each", "accuracy": trivial}
        return {
            "kind": cast("ClassKind", self.task.kind),
            "examples": self.examples,
            "accuracy": float((hit + clear).sum() / (total or 1)),
            "interval": None,
            "baseline": baseline,
            "classes": class_rows(names, hit, yes, hit + false),
        }


def mean_of(values: Array, valid: Array) -> Array:
    """The mean of the positions of each example that count; 0 where none does."""
    import numpy as np

    rows = np.where(valid, values, 0.0).reshape(len(values), -1)
    means: Array = rows.sum(axis=1) / np.maximum(valid.reshape(len(values), -1).sum(axis=1), 1)
    return means
