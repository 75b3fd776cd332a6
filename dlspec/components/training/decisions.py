"""Rules that choose the threshold of a yes or no: the best one on the validation split, by some measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.components.registry import Component, example, number

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Cuts beyond all scores in float32: the answer is always yes, or always no.
ALWAYS_YES, ALWAYS_NO = -3.4e38, 3.4e38
# The share of a score by which two differ where a cut falls between them: `predict` prints seven digits, and what
# is printed must lie on the same side of the cut.
_MARGIN = 4e-6
_DIGITS = 7


class Decision(Component, abstract=True):
    """Base of the rules for a threshold."""

    kind = "decision"

    def worth(self, hits: Array, wrong: Array, yes: float, no: float) -> Array:
        """Value of each possible threshold, shape [thresholds]; the largest is the best.

        Args:
            hits: How many of the yes are answered with yes at each cut.
            wrong: How many of the no are.
            yes: How many yes there are.
            no: How many no.
        """
        raise NotImplementedError

    def threshold(self, true: Array, scores: Array, weights: Array | None = None) -> float | None:
        """Above which score the answer is yes; None where all examples are alike.

        It is half-way between two scores, or `ALWAYS_YES` or `ALWAYS_NO`. Of equally good cuts, the one with the
        fewest yes is taken.

        Args:
            true: Whether each example is a yes.
            scores: What the output gave.
            weights: How much each example counts; None where all count alike.
        """
        import numpy as np

        order = np.argsort(-scores, kind="stable")
        counts = np.ones(len(scores)) if weights is None else weights[order].astype(np.float64)
        scores, true = scores[order].astype(np.float64), true[order]
        yes, no = float(counts[true].sum()), float(counts[~true].sum())
        if not yes or not no:
            return None
        apart = -np.diff(scores) > _MARGIN * np.maximum(np.abs(scores[1:]), np.abs(scores[:-1]))
        above = np.concatenate([[0], np.flatnonzero(apart) + 1, [len(scores)]])  # examples above each cut
        hits, wrong = (np.concatenate([[0], np.cumsum(counts * side)])[above] for side in (true, ~true))
        best = int(np.argmax(self.worth(hits, wrong, yes, no)))
        if best in (0, len(above) - 1):
            return ALWAYS_YES if best else ALWAYS_NO
        middle = (scores[above[best] - 1] + scores[above[best]]) / 2
        return float(f"{middle:.{_DIGITS}g}")


class F1(Decision):
    """The largest F1 of yes: 2 · right yes / (yes answers + true yes)."""

    examples = (example(""),)

    def worth(self, hits: Array, wrong: Array, yes: float, no: float) -> Array:
        """F1 of each threshold."""
        worth: Array = 2 * hits / (hits + wrong + yes)
        return worth


class Youden(Decision):
    """The largest sum of the shares of yes and of no that are found (Youden 1950: their sum minus 1)."""

    examples = (example(""),)

    def worth(self, hits: Array, wrong: Array, yes: float, no: float) -> Array:
        """Youden's J of each threshold."""
        worth: Array = hits / yes - wrong / no
        return worth


class Cost(Decision):
    """The smallest cost of wrong answers."""

    false_yes = number(min=0, default=1.0, doc="Cost of a yes that should be a no.")
    false_no = number(min=0, default=1.0, doc="Cost of a no that should be a yes.")
    examples = (example("{false_no: 5}"), example("{false_yes: 1, false_no: 20}"))

    def worth(self, hits: Array, wrong: Array, yes: float, no: float) -> Array:
        """The negative cost of each threshold."""
        worth: Array = -(self.false_yes * wrong + self.false_no * (yes - hits))
        return worth


def described(threshold: float) -> str:
    """A threshold in words: `always yes`, `always no`, or the number."""
    return {ALWAYS_YES: "always yes", ALWAYS_NO: "always no"}.get(threshold, f"{threshold:.4g}")
