"""Where an output of yes or no is cut: at the threshold that is best on the validation split, by some measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.components.registry import Component, example, number

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Decision(Component, abstract=True):
    """Base of the rules for a threshold."""

    kind = "decision"

    def worth(self, found: Array, wrong: Array, yes: int, no: int) -> Array:
        """How good each cut is; the largest is the best.

        Args:
            found: How many of the yes are answered with yes at each cut.
            wrong: How many of the no are.
            yes: How many yes there are.
            no: How many no.
        """
        raise NotImplementedError

    def threshold(self, true: Array, scores: Array) -> float | None:
        """Above which score the answer is yes: half-way between two scores; None where all examples are alike.

        Of cuts that are equally good, the one with the fewest yes is taken.

        Args:
            true: Whether each example is a yes.
            scores: What the output gave.
        """
        import numpy as np

        order = np.argsort(-scores, kind="stable")
        scores, true = scores[order].astype(np.float64), true[order]
        yes, no = int(true.sum()), int((~true).sum())
        ends = np.flatnonzero(np.diff(scores))  # the last example above each cut between two scores
        if not yes or not no or not len(ends):
            return None
        found = np.cumsum(true)[ends]
        best = int(np.argmax(self.worth(found, ends + 1 - found, yes, no)))
        return float((scores[ends[best]] + scores[ends[best] + 1]) / 2)


class F1(Decision):
    """The largest F1 of yes: 2 · right yes / (yes answers + true yes)."""

    examples = (example(""),)

    def worth(self, found: Array, wrong: Array, yes: int, no: int) -> Array:
        """F1."""
        worth: Array = 2 * found / (found + wrong + yes)
        return worth


class Youden(Decision):
    """The largest sum of the shares of yes and of no that are found (Youden 1950: their sum minus 1)."""

    examples = (example(""),)

    def worth(self, found: Array, wrong: Array, yes: int, no: int) -> Array:
        """Youden's J."""
        worth: Array = found / yes - wrong / no
        return worth


class Cost(Decision):
    """The smallest cost of wrong answers."""

    false_yes = number(min=0, default=1.0, doc="What a yes costs that should be a no.")
    false_no = number(min=0, default=1.0, doc="What a no costs that should be a yes.")
    examples = (example("{false_no: 5}"), example("{false_yes: 1, false_no: 20}"))

    def worth(self, found: Array, wrong: Array, yes: int, no: int) -> Array:
        """Minus the cost."""
        worth: Array = -(self.false_yes * wrong + self.false_no * (yes - found))
        return worth
