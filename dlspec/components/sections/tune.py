"""The section `tune`: how the search spaces among the top-level parameters are searched."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import choice, component, example, find, integer, number, optional, options, text
from dlspec.components.sections.base import Section
from dlspec.core.errors import Problem


class Limits(Section):
    """Upper bounds for the cost of a model; trials above them are left out before they are built."""

    parameters = optional(integer(min=1), doc="Parameters of the model.")
    flops = optional(number(above=0), doc="Floating-point operations for one example.")
    memory = optional(
        number(above=0),
        doc="Bytes of the weights and of the activations of one batch, as `dlspec show` counts them; training takes "
        "more, for gradients and the optimizer's state.",
    )
    examples = (example("{parameters: 1000000}"), example("{flops: 1e9}"), example("{memory: 2e9}"))

    def validate(self) -> None:
        """Checks that at least one limit is given."""
        if self.parameters is None and self.flops is None and self.memory is None:
            raise Problem("E207", "`limits` sets no limit", "write `parameters`, `flops` or `memory`, or leave it out")


class Tune(Section):
    """A search over the spec's own parameters."""

    algorithm: Any = component(
        "algorithm",
        default="random",
        doc="How trials are chosen: by chance, by a model of what was measured, by early rounds, or all combinations.",
    )
    objective = text(default="val_loss", doc="The measure that is optimised; the best epoch of a trial counts.")
    direction = choice(
        "auto", "min", "max", default="auto", doc="Whether small or large is good; `auto` asks the measure."
    )
    trials = integer(min=1, default=20, doc="Number of trials at most; each has other values.")
    epochs = optional(integer(min=1), doc="Epochs of a trial at most; those of `train` unless given.")
    seconds = optional(number(above=0), doc="Time after which no further trial begins.")
    patience = optional(integer(min=1), doc="The search ends after so many trials without a better one.")
    seed = integer(min=0, max=2**32 - 1, default=0, doc="Seed of the choice of values.")
    limits = options("section", "limits", default=None, doc="Largest cost of a model.")
    examples = (
        example("{algorithm: bayesian, objective: val_auc, trials: 40}"),
        example("{algorithm: hyperband, epochs: 27, limits: {parameters: 1000000}}"),
    )

    def __init__(self, **given: Any) -> None:
        """Sets the options; the default algorithm becomes a component."""
        super().__init__(**given)
        if isinstance(self.algorithm, str):
            default = find("algorithm", self.algorithm)
            assert default is not None, "the default algorithm is declared"
            self.algorithm = default()

    @property
    def counted(self) -> bool:
        """Whether there is a number of trials at most; Hyperband has as many as its rounds take."""
        return not self.algorithm.halving or "trials" in self.given

    def validate(self) -> None:
        """Patience ends before the trials do."""
        if self.patience is not None and self.counted and self.patience >= self.trials:
            message = f"`patience` has no effect: there are {self.trials} trials in all"
            raise Problem("E207", message, "wait for fewer trials, or leave it out", "patience")
