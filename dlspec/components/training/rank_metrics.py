"""Metrics of classes in an order, and of the agreement of answers with them."""

from __future__ import annotations

from dlspec.components.registry import choice, example
from dlspec.components.training.metrics import Metric


class RankError(Metric):
    """Mean distance between the right class and the answer, in classes: 0 where all are right."""

    keras = "dlspec.standalone.ranks.RankError"
    reads = "class"
    targets = "classes"

    @property
    def ordered(self) -> bool:
        """A distance is counted in classes."""
        return True


class CohenKappa(Metric):
    """Agreement of answers with the right classes beyond that of chance: 1 where all are right, 0 for guesses."""

    keras = "dlspec.standalone.ranks.CohenKappa"
    reads = "class"
    direction = "up"
    masking = False
    targets = "classes"
    shorthand = "weights"
    weights = choice(
        "none", "linear", "quadratic", default="none",
        doc="How much a wrong answer counts: as any other, by its distance from the right class, or by its square.",
    )  # fmt: skip
    examples = (example(""), example("quadratic"))

    @property
    def ordered(self) -> bool:
        """Distances count where wrong answers weigh by them."""
        return bool(self.weights != "none")
