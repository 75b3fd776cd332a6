"""Numbers against numbers: errors, what of the spread they explain, and how far the mean of the training split is off.

R² is scikit-learn's ``r2_score``, each number against its own mean in the part that is measured, and the mean of them
where there are several. The trivial answer is another matter: the mean of the training split, whose error is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from dlspec.core.documents.results import NumberBaseline, NumberFigures, NumberKind, NumberResults
from dlspec.core.pictures import is_map
from dlspec.data.binding.tasks import ARRAYS, Task, counted, numbers, spread
from dlspec.views.pages.class_scores import mean_of
from dlspec.views.pages.quantiles import quantile_figures
from dlspec.views.pages.shares import explained

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
    weights: list[Array] = field(default_factory=list)
    _first: Any = None
    _sum: Any = 0.0
    _squares: Any = 0.0
    _of: float = 0
    _quantiles: list[Array] = field(default_factory=list)

    def learn(self, targets: Array, mask: Array | None = None, weights: Array | None = None) -> None:
        """The mean, which is the best constant answer."""
        import numpy as np

        valid = counted(mask, (len(targets),))
        flat = targets.reshape(len(targets), -1).astype(np.float64)[valid]
        own = spread(weights, valid)
        own = np.ones(len(flat)) if own is None else own
        if self._first is None:
            self._first = flat[:1].sum(axis=0)
        flat = flat - self._first
        self._sum, self._of = self._sum + own @ flat, self._of + float(own.sum())
        self._squares = self._squares + own @ flat**2
        self.trivial = self._first + self._sum / (self._of or 1)

    @property
    def usual(self) -> Any:
        """The trivial answer itself."""
        return self.trivial

    def add(self, predicted: Array, target: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
        """Keeps both; an example is as bad as its error, in units of the targets' spread."""
        import numpy as np

        valid = counted(mask, (len(target),))
        true = target.reshape(len(target), -1).astype(np.float64)
        guess = numbers(self.task, predicted).reshape(len(target), -1)
        self.true.append(true[valid])
        self.guess.append(guess[valid])
        own = spread(weights, valid)
        if own is not None:
            self.weights.append(own)
        if self.task.quantiles:
            self._quantiles.append(predicted.astype(np.float64)[valid])
        count = self._of or 1
        unit = np.sqrt(np.maximum(self._squares / count - (self._sum / count) ** 2, 0.0))
        worst: Array = np.where(valid, (np.abs(true - guess) / np.where(unit > 0, unit, 1.0)).max(axis=1), 0.0)
        return worst

    def pairs(self) -> tuple[Array, Array]:
        """True and predicted numbers, [examples, numbers]."""
        import numpy as np

        return np.concatenate(self.true), np.concatenate(self.guess)

    def facts(self) -> NumberResults:
        """Errors of each number, and those of the constant answer."""
        import numpy as np

        true, guess = self.pairs()
        own = np.concatenate(self.weights) if self.weights and np.concatenate(self.weights).any() else None

        def mean(values: Array) -> Array:
            means: Array = np.average(values, axis=0, weights=own)
            return means

        error = guess - true
        squares, variance = mean(error**2), mean((true - mean(true)) ** 2)
        trivial = None if self.trivial is None else mean((true - self.trivial) ** 2)
        rows = number_rows(self.task.names, squares, mean(np.abs(error)), mean(error), variance)
        for n, row in enumerate(rows):
            if trivial is not None:
                row["baseline"] = {"answer": float(self.trivial[n]), "rmse": float(np.sqrt(trivial[n]))}
            how: Any = {} if own is None else {"weights": own, "method": "inverted_cdf"}
            quantiles = np.quantile(error[:, n], list(_QUANTILES.values()), **how)
            row["residuals"] = dict(zip(_QUANTILES, map(float, quantiles), strict=True))
        of_all = explained(squares, variance)
        results: NumberResults = {
            "kind": cast("NumberKind", self.task.kind),
            "examples": len(true),
            "rmse": float(np.sqrt(squares.mean())),
            "mae": float(mean(np.abs(error)).mean()),
            "r2": float(of_all.mean()) if len(true) > 1 else None,
            "array": self.task.array,
            "baseline": baseline(self.trivial, None if trivial is None else float(np.sqrt(trivial.mean()))),
            "numbers": rows,
        }
        if self.task.quantiles:
            results["spread"] = quantile_figures(self.task.quantiles, true[:, 0], np.concatenate(self._quantiles), own)
        return results


@dataclass(slots=True)
class Sums:
    """Arrays against arrays: steps of a series, or pictures that are drawn anew; their errors in sum.

    The numbers of the last axis are told apart, as scikit-learn does with its columns; steps and pixels are its rows.
    """

    task: Task
    trivial: Any = None
    examples: int = 0
    rows: int = 0
    weight: float = 0
    squares: Any = 0.0
    absolute: Any = 0.0
    bias: Any = 0.0
    missed: Any = 0.0
    _first: Any = None
    _shifted: Any = 0.0
    _shifted_squares: Any = 0.0
    _sum: Any = 0.0
    _of: Any = 0

    def learn(self, targets: Array, mask: Array | None = None, weights: Array | None = None) -> None:
        """The mean: of pictures pixel by pixel, of a series that of all steps."""
        import numpy as np

        values = self._with_last_axis(targets.astype(np.float64))
        valid = counted(mask, values.shape[:-1])[..., None]
        axes = 0 if self.task.kind == ARRAYS and self._alike(values) else tuple(range(values.ndim - 1))
        if axes != 0 and np.ndim(self._sum) > 1:  # pictures of several sizes: they have no mean but that of all pixels
            inner = tuple(range(self._sum.ndim - 1))
            self._sum, self._of = self._sum.sum(axis=inner), self._of.sum(axis=inner)
        own: Any = 1.0 if weights is None else weights.reshape(-1, *[1] * (values.ndim - 1))
        self._sum = self._sum + (own * np.where(valid, values, 0.0)).sum(axis=axes)
        self._of = self._of + (own * valid).sum(axis=axes)
        self.trivial = self._sum / np.where(self._of > 0, self._of, 1)

    def _alike(self, values: Array) -> bool:
        """Whether these arrays have the size of all before."""
        import numpy as np

        return np.ndim(self._sum) == 0 or self._sum.shape == values.shape[1:]

    def _with_last_axis(self, values: Array) -> Array:
        """Pictures without channels get one: their columns are no numbers of different meaning."""
        shape = values.shape[1:]
        plain = self.task.kind == ARRAYS and len(shape) == 2 and is_map(shape)
        return values[..., None] if plain else values

    @property
    def usual(self) -> Any:
        """The trivial answer itself."""
        return self.trivial

    def add(self, predicted: Array, target: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
        """Adds squared and absolute errors of a batch."""
        import numpy as np

        guess = self._with_last_axis(numbers(self.task, predicted))
        true = target.reshape(guess.shape).astype(np.float64)
        valid = counted(mask, guess.shape[:-1])
        kept, error = true[valid], (guess - true)[valid]
        own = spread(weights, valid)

        def total(values: Array) -> Array:
            sums: Array = values.sum(axis=0) if own is None else own @ values
            return sums

        if self._first is None and len(kept):
            self._first = kept[0]  # sums of squares are taken from here, so that nothing is lost far from zero
        self.squares = self.squares + total(error**2)
        self.absolute = self.absolute + total(np.abs(error))
        self.bias = self.bias + total(error)
        if self._first is not None:
            self._shifted = self._shifted + total(kept - self._first)
            self._shifted_squares = self._shifted_squares + total((kept - self._first) ** 2)
        if self.trivial is not None:
            self.missed = self.missed + total(((true - self.trivial) ** 2)[valid])
        self.rows += len(kept)
        self.weight += len(kept) if own is None else float(own.sum())
        self.examples += len(target)
        return mean_of(((guess - true) ** 2).mean(axis=-1), valid)

    def facts(self) -> NumberResults:
        """Errors per number, and those of the mean."""
        import numpy as np

        count = self.weight or 1
        spread = np.maximum(self._shifted_squares - self._shifted**2 / count, 0.0)
        missed = None if self.trivial is None else self.missed / count
        results: NumberResults = {
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
            results["numbers"] = rows
        return results


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
