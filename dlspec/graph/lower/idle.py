"""Limits of the expansion of what makes no layer: it is followed once, and never without end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.core.errors import Problem
from dlspec.graph.lower.program import Block, RepeatStep, Step
from dlspec.graph.lower.scope import Binding
from dlspec.graph.lower.sources import Sources
from dlspec.semantics.environment import Varying
from dlspec.syntax.expressions import names_in

# Turns that make nothing; blocks and groups around a layer are some for each.
MAX_TURNS = 200_000
_TURNS_A_LAYER = 8


class Idle:
    """Groups and blocks whose layers are all left out, have no turns, or are hidden by an error.

    To follow each of them would take time exponential in the depth to which they stand in each other.

    Args:
        values: Those of the top-level parameters.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._turns = 0
        # Where a parameter has another value at each place, no two places are alike.
        self._varying = any(isinstance(value, Varying) for value in values.values())
        self._alike: dict[int, bool] = {}

    def count(self, layers: int) -> None:
        """Counts the layers of one turn.

        Args:
            layers: Those that the model has so far.

        Raises:
            Problem: E313, there were too many for these.
        """
        self._turns += 1
        if self._turns > MAX_TURNS + _TURNS_A_LAYER * layers:
            text = f"the repeats of the model have more than {MAX_TURNS:,} turns that make nothing"
            raise Problem("E313", text, "lower their counts, or put the `if` on the `repeat`")

    def rest_alike(self, step: Step, result: Binding, sources: Sources) -> bool:
        """Whether, after a turn of a group that made nothing, all further turns are like it."""
        if not isinstance(step, RepeatStep) or self._varying or sources.named or not sources.positional:
            return False
        if step.number not in self._alike:
            own = {"index", *(step.each or ()), *(step.let or ())}
            self._alike[step.number] = own.isdisjoint(names_in(step.value, textual=True))
        return self._alike[step.number] and result.values == sources.positional[0].values

    def key(self, block: Block, values: Mapping[str, Any], inputs: Mapping[str, Binding]) -> Any:
        """A key that is equal for calls of a block with equal results; None where results depend on the position."""
        if self._varying:
            return None
        return block.name, repr(values), tuple((name, binding.values) for name, binding in inputs.items())
