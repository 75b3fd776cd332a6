"""Constraints: what weights are forced into after each update."""

from __future__ import annotations

from dlspec.components.registry import Component, Field, example, integers, number
from dlspec.core.errors import Problem


class Constraint(Component, abstract=True):
    """Base of all constraints."""

    kind = "constraint"
    aid = "constraint"
    plain_name = True


def _axis() -> Field[tuple[int, ...]]:
    doc = "Axis or axes over which the norm is taken: 0 for a dense kernel, `[0, 1, 2]` for that of a conv2d."
    return integers(single=True, default=0, doc=doc)


class MaxNorm(Constraint):
    """Norms of at most a given value."""

    keras = "keras.constraints.MaxNorm"
    shorthand = "max_value"
    max_value = number(above=0, default=2, doc="Largest norm.")
    axis = _axis()
    examples = (example(""), example("3"), example("{max_value: 3, axis: [0, 1, 2]}"))


class MinMaxNorm(Constraint):
    """Norms between two given values."""

    keras = "keras.constraints.MinMaxNorm"
    min_value = number(min=0, default=0.0, doc="Smallest norm.")
    max_value = number(above=0, default=1.0, doc="Largest norm.")
    rate = number(
        above=0, max=1, default=1.0, doc="Share of the way to the nearest allowed norm that each update goes."
    )
    axis = _axis()
    examples = (example(""), example("{min_value: 0.5, max_value: 2, rate: 0.9, axis: 0}"))

    def validate(self) -> None:
        """Checks that the bounds are in order."""
        if self.min_value > self.max_value:
            message = f"`min_value` of min_max_norm must not exceed its `max_value` {self.max_value:g}"
            raise Problem("E207", f"{message}, got {self.min_value:g}", option="min_value")


class NonNeg(Constraint):
    """No negative values."""

    keras = "keras.constraints.NonNeg"
    examples = (example(""),)


class UnitNorm(Constraint):
    """Norms of exactly one."""

    keras = "keras.constraints.UnitNorm"
    shorthand = "axis"
    axis = _axis()
    examples = (example(""), example("[0, 1, 2]"))
