"""The section `tune`: how the search spaces among the top-level parameters are searched."""

from __future__ import annotations

from dlspec.registry import choice, example, integer, text
from dlspec.sections.data import Section


class Tune(Section):
    """A hyperparameter search over the spec's own parameters."""

    algorithm = choice("random", "bayesian", "hyperband", "grid", default="random", doc="How trials are chosen.")
    objective = text(default="val_loss", doc="The measure to optimise.")
    trials = integer(min=1, default=20, doc="Number of trials.")
    examples = (example("{algorithm: bayesian, objective: val_auc, trials: 40}"),)
