"""A search algorithm that leaves nothing to chance."""

from __future__ import annotations

from dlspec.components.sections.algorithms import Algorithm


class Backwards(Algorithm):
    """Tries the values of each parameter from the last to the first."""

    oracle = "dlspec.tuning.plan.backwards.BackwardsOracle"
    seeded = False
