"""Numbers against numbers: errors, what of the spread they explain, and how far the mean of the training split is off.

R² is scikit-learn's ``r2_score``, each number against its own mean in the part that is measured, and the mean of them
where there are several. The trivial answer is another matter: the mean of the training split, whose error is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from dlspec.core.documents.results import NumberBaseline, NumberFigures, NumberKind, NumberResults
from dlspec.views.pages.class_scores import mean_of
from dlspec.views.pages.quantiles import quantile_figures
from dlspec.views.pages.shares import explained
from dlspec.views.pages.tasks import ARRAYS, Task, counted, is_map, numbers

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Facts = dict[str, Any]
_QUANTILES = {"min": 0.0, "5%": 0.05, "25%": 0.25, "50%": 0.5, "75%": 0.75, "95%": 0.95, "max": 1.0}
# Numbers of an array that are told one by one.
_TOLD = 1000


@dataclass(slots=True)
class Numbers:
    """One number per example, or a few: all of them are kept."""

    task: Task
    trivial: Any = None
    true: list[Array] = field(default_factory=list)
    guess: list[Array] = field(default_factory=list)
    _first: Any = None
    _sum: Any = 0.0
    _squares: Any = 0.0
    _of: int = 0
    _quantiles: list[Array] = field(default_factory=list)

    def learn(self, targets: Array, mask: Array | None = None) -> None:
        """The mean, which is the best constant answer."""
        import numpy as np

        flat = targets.reshape(len(targets), -1).astype(np.float64)[counted(mask, (len(targets),))]
        if self._first is None:
            self._first = flat[:1].sum(axis=0)
        flat = flat - self._first
        self._sum, self._of = self._sum + flat.sum(axis=0), self._of + len(flat)
        self._squares = self._squares + (flat**2).sum(axis=0)
        self.trivial = self._first + self._sum / max(self._of, 1)

    def add(self, predicted: Array, target: Array, mask: Array | None = None) -> Array:
        """Keeps both; an example is as bad as its error, in units of the targets' spread."""
        import numpy as np

        valid = counted(mask, (len(target),))
        true = target.reshape(len(target), -1).astype(np.float64)
        guess = numbers(self.task, predicted).reshape(len(target), -1)
        self.true.append(true[valid])
        self.guess.append(guess[valid])
        if self.task.quantiles:
            self._quantiles.append(predicted.astype(np.float64)[valid])
        count = max(self._of, 1)
        spread = np.sqrt(np.maximum(self._squares / count - (self._sum / count) ** 2, 0.0))
        worst: Array = np.where(valid, (np.abs(true - guess) / np.where(spread > 0, spread, 1.0)).max(axis=1), 0.0)
        return worst

    def pairs(self) -> tuple[Array, Array]:
        """True and predicted numbers, [examples, numbers]."""
        import numpy as np

        return np.concatenate(self.true), np.concatenate(self.guess)

    def facts(self) -> NumberResults:
        """Errors of each number, and those of the constant answer."""
        import numpy as np

        true, guess = self.pairs()
        error = guess - true
        spread = ((true - true.mean(axis=0)) ** 2).sum(axis=0)
        trivial = None if self.trivial is None else ((true - self.trivial) ** 2).mean(axis=0)
        rows = number_rows(
            self.task.names, (error**2).mean(axis=0), np.abs(error).mean(axis=0), error.mean(axis=0), spread / len(true)
        )
        for n, row in enumerate(rows):
            if trivial is not None:
                row["baseline"] = {"answer": float(self.trivial[n]), "rmse": float(np.sqrt(trivial[n]))}
            quantiles = np.quantile(error[:, n], list(_QUANTILES.values()))
            row["residuals"] = dict(zip(_QUANTILES, map(float, quantiles), strict=True))
        of_all = explained((error**2).sum(axis=0), spread)
        found: NumberResults = {
            "kind": cast("NumberKind", self.task.kind),
            "examples": len(true),
            "rmse": float(np.sqrt((error**2).mean())),
            "mae": float(np.abs(error).mean()),
            "r2": float(of_all.mean()) if len(true) > 1 else None,
            "array": self.task.array,
            "baseline": baseline(self.trivial, None if trivial is None else float(np.sqrt(trivial.mean()))),
            "numbers": rows,
        }
        if self.task.quantiles:
            found["spread"] = quantile_figures(self.task.quantiles, true[:, 0], np.concatenate(self._quantiles))
        return found


@dataclass(slots=True)
class Sums:
    """Arrays against arrays: steps of a series, or pictures that are drawn anew; their errors in sum.

    The numbers of the last axis are told apart, as scikit-learn does with its columns; steps and pixels are its rows.
    """

    task: Task
    trivial: Any = None
    examples: int = 0
    rows: int = 0
    squares: Any = 0.0
    absolute: Any = 0.0
    bias: Any = 0.0
    missed: Any = 0.0
    _first: Any = None
    _shifted: Any = 0.0
    _shifted_squares: Any = 0.0
    _sum: Any = 0.0
    _of: Any = 0

    def learn(self, targets: Array, mask: Array | None = None) -> None:
        """The mean: of pictures pixel by pixel, of a series that of all steps."""
        import numpy as np

        values = self._with_last_axis(targets.astype(np.float64))
        valid = counted(mask, values.shape[:-1])[..., None]
        axes = 0 if self.task.kind == ARRAYS and self._alike(values) else tuple(range(values.ndim - 1))
        if axes != 0 and np.ndim(self._sum) > 1:  # pictures of several sizes: they have no mean but that of all pixels
            inner = tuple(range(self._sum.ndim - 1))
            self._sum, self._of = self._sum.sum(axis=inner), self._of.sum(axis=inner)
        self._sum = self._sum + np.where(valid, values, 0.0).sum(axis=axes)
        self._of = self._of + valid.sum(axis=axes)
        self.trivial = self._sum / np.maximum(self._of, 1)

    def _alike(self, values: Array) -> bool:
        """Whether these arrays have the size of all before."""
        import numpy as np

        return np.ndim(self._sum) == 0 or self._sum.shape == values.shape[1:]

    def _with_last_axis(self, values: Array) -> Array:
        """Pictures without channels get one: their columns are no numbers of different meaning."""
        shape = values.shape[1:]
        plain = self.task.kind == ARRAYS and len(shape) == 2 and is_map(shape)
        return values[..., None] if plain else values

    def add(self, predicted: Array, target: Array, mask: Array | None = None) -> Array:
        """Sums squared and absolute errors."""
        import numpy as np

        guess = self._with_last_axis(numbers(self.task, predicted))
        true = target.reshape(guess.shape).astype(np.float64)
        valid = counted(mask, guess.shape[:-1])
        kept, error = true[valid], (guess - true)[valid]
        if self._first is None and len(kept):
            self._first = kept[0]  # sums of squares are taken from here, so that nothing is lost far from zero
        self.squares = self.squares + (error**2).sum(axis=0)
        self.absolute = self.absolute + np.abs(error).sum(axis=0)
        self.bias = self.bias + error.sum(axis=0)
        if self._first is not None:
            self._shifted = self._shifted + (kept - self._first).sum(axis=0)
            self._shifted_squares = self._shifted_squares + ((kept - self._first) ** 2).sum(axis=0)
        if self.trivial is not None:
            self.missed = self.missed + ((true - self.trivial) ** 2)[valid].sum(axis=0)
        self.rows += len(kept)
        self.examples += len(target)
        return mean_of(((guess - true) ** 2).mean(axis=-1), valid)

    def facts(self) -> NumberResults:
        """Errors per number, and those of the mean."""
        import numpy as np

        count = max(self.rows, 1)
        spread = np.maximum(self._shifted_squares - self._shifted**2 / count, 0.0)
        missed = None if self.trivial is None else self.missed / count
        found: NumberResults = {
            "kind": cast("NumberKind", self.task.kind),
            "examples": self.examples,
            "positions": self.rows,
            "rmse": math.sqrt(np.mean(self.squares) / count),
            "mae": float(np.mean(self.absolute) / count),
            "r2": float(np.mean(explained(self.squares, spread))) if self.rows > 1 else None,
            "array": self.task.array,
            "baseline": baseline(self.trivial, None if missed is None else math.sqrt(np.mean(missed))),
        }
        if self.task.names and len(self.task.names) <= _TOLD:
            rows = number_rows(
                self.task.names, self.squares / count, self.absolute / count, self.bias / count, spread / count
            )
            for n, row in enumerate(rows):
                if missed is not None:
                    row["baseline"] = {"answer": float(self.trivial[n]), "rmse": math.sqrt(missed[n])}
            found["numbers"] = rows
        return found


def number_rows(
    names: tuple[str, ...], squares: Array, absolute: Array, bias: Array, spread: Array
) -> list[NumberFigures]:
    """Each number by itself, from means over the examples: of squared errors, of absolute ones, of errors, of the
    squared distances from the mean."""
    return [
        {
            "name": name,
            "rmse": math.sqrt(squares[n]),
            "mae": float(absolute[n]),
            "bias": float(bias[n]),
            "r2": float(1 - squares[n] / spread[n]) if spread[n] > 0 else None,
            "baseline": None,
        }
        for n, name in enumerate(names)
    ]


def baseline(trivial: Any, error: float | None) -> NumberBaseline | None:
    """The trivial answer and its error; None where it is not known."""
    if trivial is None or error is None:
        return None
    return {"answer": float(trivial.reshape(-1)[0]) if trivial.size == 1 else "the mean of each", "rmse": error}
