"""Metrics of sequences: of all steps together, or of the likelihood of each."""

from __future__ import annotations

from dlspec.components.registry import boolean, example, integer, optional
from dlspec.components.training.metrics import Metric
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class _OfSteps(Metric, abstract=True):
    """Compares class numbers [steps] with scores [steps, classes]."""

    kind = "metric"  # declared again: these options come last
    targets = "classes"
    ignoring = True

    def problem(self, target: Tensor, output: Tensor) -> None:
        """The output has an axis of steps."""
        super().problem(target, output)
        if output.rank != 2:
            message = f"{self.registered_name} needs an output [steps, classes], not {show_shape(output.shape)}"
            raise Problem("E503", message, "write `accuracy`, which counts every answer by itself")


class SequenceAccuracy(_OfSteps):
    """Share of sequences that are right in every step that counts, each told from the right steps before it."""

    keras = "dlspec.standalone.sequences.SequenceAccuracy"
    direction = "up"
    ignore_class = optional(integer(), doc="Class number whose steps do not count.")
    examples = (example(""), example("{ignore_class: 0}"))


class Perplexity(_OfSteps):
    """e to the power of the mean crossentropy of a step: between how many classes it is as if to choose."""

    keras = "dlspec.standalone.sequences.Perplexity"
    from_logits = boolean(default=False, doc="Whether the output is taken before sigmoid or softmax.")
    ignore_class = optional(integer(), doc="Class number whose steps do not count.")
    examples = (example(""), example("{from_logits: true, ignore_class: 0}"))
