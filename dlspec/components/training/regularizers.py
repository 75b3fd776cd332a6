"""Regularizers: penalties that are added to the loss."""

from __future__ import annotations

from dlspec.components.registry import Component, choice, example, number
from dlspec.core.errors import Problem
from dlspec.core.ir import show_shape


class Regularizer(Component, abstract=True):
    """Base of all regularizers."""

    kind = "regularizer"
    aid = "penalty"
    plain_name = True

    def problem(self, shape: tuple[int | None, ...]) -> None:
        """Checks that a weight (or an output with its batch) of this shape can be penalised.

        Raises:
            Problem: E402, the number of axes does not suit.
        """


class L1(Regularizer):
    """Factor times the sum of absolute values."""

    keras = "keras.regularizers.L1"
    shorthand = "l1"
    l1 = number(min=0, default=0.01, doc="Factor of the penalty.")
    examples = (example(""), example("1e-4"))


class L2(Regularizer):
    """Factor times the sum of squares."""

    keras = "keras.regularizers.L2"
    shorthand = "l2"
    l2 = number(min=0, default=0.01, doc="Factor of the penalty.")
    examples = (example(""), example("1e-4"))


class L1L2(Regularizer):
    """Sum of absolute values and sum of squares, each with a factor."""

    keras = "keras.regularizers.L1L2"
    aliases = ("l1_l2",)
    l1 = number(min=0, default=0.0, doc="Factor of the absolute values.")
    l2 = number(min=0, default=0.0, doc="Factor of the squares.")
    examples = (example("{l1: 1e-5, l2: 1e-4}"),)

    def validate(self) -> None:
        """Both factors are zero unless given: then there is no penalty."""
        if not self.given:
            raise Problem("E207", "l1l2 penalises nothing without `l1` or `l2`", "write `l1l2: {l1: 1e-5, l2: 1e-4}`")


class OrthogonalRegularizer(Regularizer):
    """Penalty on rows (or columns) of a matrix that are not orthogonal to each other."""

    keras = "keras.regularizers.OrthogonalRegularizer"
    shorthand = "factor"
    factor = number(min=0, default=0.01, doc="Factor of the penalty.")
    mode = choice("rows", "columns", default="rows", doc="Which are made orthogonal.")
    examples = (example(""), example("{factor: 1e-3, mode: columns}"))

    def problem(self, shape: tuple[int | None, ...]) -> None:
        """Only matrices have rows and columns."""
        if len(shape) != 2:
            message = f"orthogonal_regularizer needs a weight of 2 axes, but this one has shape {show_shape(shape)}"
            raise Problem("E402", message, "use `l2`")
