"""Counting right and wrong: what is known of an output's predictions after one pass over the examples."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dlspec.reporting.tasks import ARRAYS, NUMBERS, TAGS, YES_NO, Task, answers, yes_share

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Facts = dict[str, Any]
MATRIX_LIMIT = 100
_KEPT = 20_000


class Score(Protocol):
    """Sees batches of predictions, and tells what came of them."""

    task: Task

    def learn(self, targets: Array) -> None:
        """Finds the trivial answer among the targets of the training split."""

    def add(self, predicted: Array, target: Array) -> Array:
        """Counts a batch; returns how bad each example is, larger being worse."""

    def facts(self) -> Facts:
        """What was counted, as plain data."""


def score_of(task: Task) -> Score:
    """The way to judge a task."""
    if task.kind == TAGS:
        return Tags(task)
    if task.kind == NUMBERS:
        return Numbers(task)
    return Whole(task) if task.kind == ARRAYS else Classes(task)


@dataclass(slots=True)
class Classes:
    """Classes against classes: the confusion matrix and what follows from it."""

    task: Task
    matrix: Any = None
    usual: int = 0
    examples: int = 0
    yes: list[Array] = field(default_factory=list)
    true: list[Array] = field(default_factory=list)

    def learn(self, targets: Array) -> None:
        """The most frequent class."""
        import numpy as np

        count = len(self.task.names)
        if targets.dtype.kind == "f" and targets.shape[-1:] == (count,) and count > 2:
            self.usual = int(targets.reshape(-1, count).sum(axis=0).argmax())
            return
        labels = targets.reshape(-1).astype(np.int64)
        labels = labels[labels != self.task.ignored] if self.task.ignored is not None else labels
        self.usual = int(np.bincount(labels[labels >= 0], minlength=1).argmax())

    def add(self, predicted: Array, target: Array) -> Array:
        """Counts pairs of true and predicted classes."""
        import numpy as np

        found = answers(self.task, predicted, target)
        count = len(self.task.names)
        valid = (found.true >= 0) & (found.true < count)
        if self.task.ignored is not None:
            valid &= found.true != self.task.ignored
        pairs = np.bincount(found.true[valid] * count + found.guess[valid], minlength=count * count)
        pairs = pairs.reshape(count, count)
        self.matrix = pairs if self.matrix is None else self.matrix + pairs
        self.examples += len(target)
        if self.task.kind == YES_NO and sum(map(len, self.yes)) < _KEPT:
            self.yes.append(found.probabilities[:, 1])
            self.true.append(found.true)
        truth = np.where(valid, found.true, 0)[..., None]
        chance = np.take_along_axis(found.probabilities, truth, axis=-1)[..., 0]
        wrong: Array = np.where(valid, 1 - chance, 0.0).reshape(len(target), -1)
        mean: Array = wrong.sum(axis=1) / np.maximum(valid.reshape(len(target), -1).sum(axis=1), 1)
        return mean

    def facts(self) -> Facts:
        """Accuracy with its interval, the trivial answer's, and each class by itself."""
        import numpy as np

        total = int(self.matrix.sum())
        right = np.diag(self.matrix).astype(float)
        true, guessed = self.matrix.sum(axis=1), self.matrix.sum(axis=0)
        accuracy = float(right.sum() / max(total, 1))
        found: Facts = {
            "kind": self.task.kind,
            "examples": self.examples,
            "accuracy": accuracy,
            "interval": interval(accuracy, total) if total == self.examples else None,
            "baseline": {
                "answer": self.task.names[self.usual] if self.usual < len(self.task.names) else str(self.usual),
                "accuracy": float(true[self.usual] / max(total, 1)) if self.usual < len(true) else 0.0,
            },
            "classes": [
                {
                    "name": name,
                    "examples": int(true[number]),
                    "predicted": int(guessed[number]),
                    "precision": _ratio(right[number], guessed[number]),
                    "recall": _ratio(right[number], true[number]),
                    "f1": _ratio(2 * right[number], true[number] + guessed[number]),
                    "iou": _ratio(right[number], true[number] + guessed[number] - right[number]),
                }
                for number, name in enumerate(self.task.names)
            ],
        }
        for measure in ("f1", "iou"):
            values = [one[measure] for one in found["classes"] if one["examples"] and one[measure] is not None]
            found[f"mean_{measure}"] = sum(values) / len(values) if values else None
        if len(self.task.names) <= MATRIX_LIMIT:
            found["confusion"] = self.matrix.tolist()
        if self.yes:
            found["auc"] = auc(np.concatenate(self.true), np.concatenate(self.yes))
        return found


@dataclass(slots=True)
class Tags:
    """Several independent yes or no: counts for each of them."""

    task: Task
    counts: Any = None
    usual: Any = None
    examples: int = 0

    def learn(self, targets: Array) -> None:
        """The more frequent answer to each question."""
        self.usual = targets.reshape(len(targets), -1).mean(axis=0) > 0.5

    def add(self, predicted: Array, target: Array) -> Array:
        """Counts true and false, yes and no."""
        import numpy as np

        shares = yes_share(self.task, predicted.astype(np.float64)).reshape(len(target), -1)
        true = target.reshape(len(target), -1) > 0.5
        guess = shares > 0.5
        now = np.stack([(true & guess).sum(0), (~true & guess).sum(0), (true & ~guess).sum(0), (~true & ~guess).sum(0)])
        self.counts = now if self.counts is None else self.counts + now
        self.examples += len(target)
        wrong: Array = np.abs(shares - true).mean(axis=1)
        return wrong

    def facts(self) -> Facts:
        """Share of right answers, the trivial ones', and each question by itself."""
        hit, false, missed, clear = self.counts.astype(float)
        total = self.counts.sum()
        yes = hit + missed
        names = self.task.names or tuple(map(str, range(len(hit))))
        trivial = sum(yes[n] if self.usual[n] else self.examples - yes[n] for n in range(len(hit)))
        return {
            "kind": self.task.kind,
            "examples": self.examples,
            "accuracy": float((hit + clear).sum() / max(total, 1)),
            "interval": None,
            "baseline": {"answer": "the more frequent answer of each", "accuracy": float(trivial / max(total, 1))},
            "classes": [
                {
                    "name": name,
                    "examples": int(yes[n]),
                    "predicted": int(hit[n] + false[n]),
                    "precision": _ratio(hit[n], hit[n] + false[n]),
                    "recall": _ratio(hit[n], yes[n]),
                    "f1": _ratio(2 * hit[n], yes[n] + hit[n] + false[n]),
                    "iou": _ratio(hit[n], yes[n] + false[n]),
                }
                for n, name in enumerate(names)
            ],
        }


@dataclass(slots=True)
class Numbers:
    """Numbers against numbers: errors, and what of the spread they explain."""

    task: Task
    middle: Any = None
    spread: Any = None
    true: list[Array] = field(default_factory=list)
    guess: list[Array] = field(default_factory=list)

    def learn(self, targets: Array) -> None:
        """The mean, which is the best constant answer."""
        import numpy as np

        flat = targets.reshape(len(targets), -1).astype(np.float64)
        self.middle = flat.mean(axis=0)
        self.spread = np.where(flat.std(axis=0) > 0, flat.std(axis=0), 1.0)

    def add(self, predicted: Array, target: Array) -> Array:
        """Keeps both; an example is as bad as its error, in units of the targets' spread."""
        import numpy as np

        true = target.reshape(len(target), -1).astype(np.float64)
        guess = predicted.reshape(len(target), -1).astype(np.float64)
        self.true.append(true)
        self.guess.append(guess)
        worst: Array = (np.abs(true - guess) / self.spread).max(axis=1)
        return worst

    def pairs(self) -> tuple[Array, Array]:
        """True and predicted numbers, [examples, numbers]."""
        import numpy as np

        return np.concatenate(self.true), np.concatenate(self.guess)

    def facts(self) -> Facts:
        """Errors of each number, and those of the constant answer."""
        import numpy as np

        true, guess = self.pairs()
        error = guess - true
        squares = ((true - self.middle) ** 2).mean(axis=0)
        rmse, trivial = np.sqrt((error**2).mean(axis=0)), np.sqrt(squares)
        around = true.var(axis=0)
        numbers: list[Facts] = [
            {
                "name": name,
                "rmse": float(rmse[n]),
                "mae": float(np.abs(error[:, n]).mean()),
                "bias": float(error[:, n].mean()),
                "r2": float(1 - (error[:, n] ** 2).mean() / around[n]) if around[n] > 0 else None,
                "baseline": {"answer": float(self.middle[n]), "rmse": float(trivial[n])},
                "residuals": dict(
                    zip(("min", "5%", "25%", "50%", "75%", "95%", "max"),
                        map(float, np.quantile(error[:, n], (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1))), strict=True)
                ),
            }
            for n, name in enumerate(self.task.names)
        ]  # fmt: skip
        explained = [one["r2"] for one in numbers if one["r2"] is not None]
        return {
            "kind": self.task.kind,
            "examples": len(true),
            "rmse": float(np.sqrt((error**2).mean())),
            "mae": float(np.abs(error).mean()),
            "r2": sum(explained) / len(explained) if explained else None,
            "baseline": {
                "answer": float(self.middle[0]) if len(numbers) == 1 else "the mean of each",
                "rmse": float(np.sqrt(squares.mean())),
            },
            "numbers": numbers,
        }


@dataclass(slots=True)
class Whole:
    """Arrays against arrays, such as pictures that are drawn anew: their errors in sum."""

    task: Task
    mean: Any = None
    squares: float = 0.0
    absolute: float = 0.0
    trivial: float = 0.0
    elements: int = 0
    examples: int = 0

    def learn(self, targets: Array) -> None:
        """The mean array."""
        import numpy as np

        self.mean = targets.mean(axis=0, dtype=np.float64)

    def add(self, predicted: Array, target: Array) -> Array:
        """Sums squared and absolute errors."""
        import numpy as np

        true = target.reshape(predicted.shape).astype(np.float64)
        error = predicted - true
        self.squares += float((error**2).sum())
        self.absolute += float(np.abs(error).sum())
        self.trivial += float(((true - self.mean.reshape(predicted.shape[1:])) ** 2).sum())
        self.elements += error.size
        self.examples += len(target)
        worst: Array = (error**2).reshape(len(target), -1).mean(axis=1)
        return worst

    def facts(self) -> Facts:
        """Errors per element, and those of the mean array."""
        count = max(self.elements, 1)
        return {
            "kind": self.task.kind,
            "examples": self.examples,
            "rmse": math.sqrt(self.squares / count),
            "mae": self.absolute / count,
            "r2": 1 - self.squares / self.trivial if self.trivial > 0 else None,
            "baseline": {"answer": "the mean of the training split", "rmse": math.sqrt(self.trivial / count)},
        }


def interval(share: float, count: int) -> list[float] | None:
    """Wilson's interval, which holds the true share in 95 of 100 cases."""
    if not count:
        return None
    z = 1.959964
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return [max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)]


def auc(true: Array, share: Array) -> float | None:
    """The chance that a random yes is given more than a random no; equal ones count half."""
    import numpy as np

    yes = int((true == 1).sum())
    no = len(true) - yes
    if not yes or not no:
        return None
    _, inverse, counts = np.unique(share, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2
    return float((ranks[inverse][true == 1].sum() - yes * (yes + 1) / 2) / (yes * no))


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
