"""Probabilities against how often they come true: the reliability diagram, and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.results import ReliabilityBin, ReliabilityFigures
from dlspec.views.pages.shares import interval
from dlspec.views.pages.verdict import percent

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Bins of equal width in which probabilities are compared with frequencies (Guo et al. 2017).
BINS = 15
# Draws of an error that chance alone makes, and the share of them that stays below what is told.
_DRAWS, _SHARE = 2000, 0.95
# From which part of the error on it has a direction.
_MOSTLY = 0.5


def _zeros() -> Array:
    import numpy as np

    return np.zeros(BINS)


@dataclass(slots=True)
class Reliability:
    """Sums over bins of the probability: of yes where there are two classes, else of the likeliest class.

    Bins are those of scikit-learn's ``calibration_curve``: of equal width, each with its upper edge.
    """

    two: bool
    _weights: Array = field(default_factory=_zeros)
    _squares: Array = field(default_factory=_zeros)
    _given: Array = field(default_factory=_zeros)
    _true: Array = field(default_factory=_zeros)
    _variance: Array = field(default_factory=_zeros)

    def add(self, true: Array, shares: Array, weights: Array | None = None) -> None:
        """Counts a batch.

        Args:
            true: Class numbers, [examples].
            shares: The probability of each class, [examples, classes].
            weights: How much each example counts; None where all count alike.
        """
        import numpy as np

        likeliest = np.ones(len(true), np.int64) if self.two else shares.argmax(axis=1)
        given = np.take_along_axis(shares, likeliest[:, None], axis=1)[:, 0]
        own = np.ones(len(true)) if weights is None else weights.astype(np.float64)
        bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], given)
        for sums, each in (
            (self._weights, own),
            (self._squares, own**2),
            (self._given, own * given),
            (self._true, own * (likeliest == true)),
            (self._variance, own**2 * given * (1 - given)),
        ):
            sums += np.bincount(bins, each, minlength=BINS)

    @property
    def error(self) -> float:
        """The expected calibration error: the mean over bins, by their examples, of |frequency - mean probability|."""
        import numpy as np

        return float(np.abs(self._true - self._given).sum() / (self._weights.sum() or 1))

    @property
    def chance(self) -> float:
        """The error that 95 of 100 models stay below whose probabilities are right, with as many examples."""
        import numpy as np

        draws = np.random.default_rng(0).normal(size=(_DRAWS, BINS)) * np.sqrt(np.maximum(self._variance, 0))
        return float(np.quantile(np.abs(draws).sum(axis=1), _SHARE) / (self._weights.sum() or 1))

    def figures(self) -> ReliabilityFigures | None:
        """For ``report.json``; None where nothing was seen."""
        rows = [self._bin(number) for number in range(BINS) if self._weights[number]]
        if not rows:
            return None
        of: Any = "yes" if self.two else "likeliest"
        return {"of": of, "error": self.error, "chance": self.chance, "bins": rows}

    def _bin(self, number: int) -> ReliabilityBin:
        weight, share = float(self._weights[number]), float(self._true[number] / self._weights[number])
        return {
            "examples": weight if weight % 1 else int(weight),
            "probability": float(self._given[number]) / weight,
            "share": share,
            "interval": interval(share, weight**2 / float(self._squares[number])) or [0.0, 1.0],
        }


def calibration_error(true: Array, shares: Array, weights: Array | None = None) -> float:
    """The expected calibration error. See :class:`Reliability`.

    Args:
        true: Class numbers.
        shares: The probability of each class, [examples, classes].
        weights: How much each example counts; None where all count alike.
    """
    return reliability(true, shares, weights).error


def reliability(true: Array, shares: Array, weights: Array | None = None) -> Reliability:
    """Probabilities of many examples, counted."""
    counts = Reliability(shares.shape[1] == 2)
    counts.add(true, shares, weights)
    return counts


def words_about(output: Mapping[str, Any], *, weighted: bool = False) -> str:
    """The reading of an output's diagram in a few sentences; "" without a diagram.

    Args:
        output: The results of the output.
        weighted: Whether classes weigh in training, which shifts probabilities.
    """
    figures: ReliabilityFigures | None = output.get("reliability")
    if figures is None:
        return ""
    off, chance = percent(figures["error"]), percent(figures["chance"])
    before = f" Before it was calibrated, they were off by {percent(_before(figures))}." if "before" in figures else ""
    if figures["error"] <= figures["chance"]:
        return (
            f"The probabilities can be taken at their word: they are off by {off} on average (expected calibration "
            f"error), and with so many examples chance alone gives up to {chance}.{before}"
        )
    help = "" if "before" in figures or weighted else " `calibration: temperature` in `train` may mend that."
    why = " Weights of classes in training shift them." if weighted else ""
    return (
        f"The probabilities are off by {off} on average (expected calibration error), and chance alone gives up to "
        f"{chance}: {_direction(figures)}. {_worst(figures, output)}{why}{help}{before}"
    )


def _before(figures: ReliabilityFigures) -> float:
    return figures["before"]["error"]


def _direction(figures: ReliabilityFigures) -> str:
    """Which way most of the probabilities are off."""
    rows, two = figures["bins"], figures["of"] == "yes"
    whole = sum(row["examples"] for row in rows) * figures["error"]
    shift = sum(row["examples"] * (row["probability"] - row["share"]) for row in rows)
    surer = sum(
        row["examples"] * (row["probability"] - row["share"]) * (-1 if two and row["probability"] < 0.5 else 1)
        for row in rows
    )
    if abs(surer) >= max(abs(shift) if two else 0, _MOSTLY * whole):
        return "the model is surer than it is right" if surer > 0 else "the model is right more often than it says"
    if abs(shift) >= _MOSTLY * whole:
        return f"it gives yes too {'much' if shift > 0 else 'little'} in general"
    return "too high in some places and too low in others"


def _worst(figures: ReliabilityFigures, output: Mapping[str, Any]) -> str:
    """The bin that adds most to the error."""
    row = max(figures["bins"], key=lambda row: row["examples"] * abs(row["probability"] - row["share"]))
    count = f"{row['examples']:,.4g}" if row["examples"] % 1 else f"{int(row['examples']):,}"
    given, share = percent(row["probability"]), percent(row["share"])
    if figures["of"] == "yes":
        name = output["classes"][1]["name"]
        return f"Of {count} examples to which it gives “{name}” with {given} or so, {share} are."
    return f"Of {count} answers that it gives with {given} or so, {share} are right."
