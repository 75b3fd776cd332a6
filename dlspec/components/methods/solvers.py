"""Solvers: what `method` of `train` names in place of steps along a gradient. Of kind ``solver``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlspec.components.registry import Component, example, integer, optional, plain, text
from dlspec.core.errors import Problem, leave_out


class Solver(Component, abstract=True):
    """Base of the solvers; the method of the same name trains with what it says."""

    kind = "solver"


class LeastSquares(Solver):
    """Solves for the last layer, whatever is before it stays: Σ‖y − Wx − b‖² + l2·‖W‖² is as small as it can be.

    One pass over the training split adds up products of what enters the layer, never more than a batch of it; with `l2`
    this is ridge regression (Hoerl and Kennard 1970), as scikit-learn's ``Ridge`` has it.
    """

    trains = optional(text(), doc="The layer, a `dense` without activation; the one that gives the output by default.")
    l2 = plain(
        {"type": ["number", "array"], "minimum": 0, "items": {"type": "number", "minimum": 0}, "minItems": 2,
         "uniqueItems": True},
        default=0.0,
        doc="Factor of the sum of the squared weights without the bias; of several, cross-validation chooses one.",
    )  # fmt: skip
    folds = integer(min=2, max=1000, default=5, doc="Parts of the training split by which an `l2` is chosen.")
    examples = (example("{l2: 0.1}"), example("{trains: readout, l2: [0.01, 1, 100], folds: 10}"))

    @property
    def penalties(self) -> Sequence[float]:
        """The values of `l2` to choose from, ascending."""
        values: Any = self.l2
        return sorted(map(float, values)) if isinstance(values, list | tuple) else (float(values),)

    def validate(self) -> None:
        """Folds are for a choice."""
        if not all(math.isfinite(value) for value in self.penalties):
            raise Problem("E207", "`l2` is a number from 0 on, or a list of those", "", "l2")
        if "folds" in self.given and len(self.penalties) == 1:
            message = "`folds` has no effect: there is one `l2`, so that nothing is to be chosen"
            raise Problem("E207", message, leave_out("folds"), "folds")
