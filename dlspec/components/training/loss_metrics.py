"""Losses that are measured as metrics."""

from __future__ import annotations

from dlspec.components.registry import Field, boolean, example, integer, number, optional
from dlspec.components.training.metrics import Metric
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


def _axis() -> Field[int]:
    return integer(default=-1, doc="Axis of the classes, counting the batch as 0.")


def _from_logits() -> Field[bool]:
    return boolean(
        default=False, doc="Whether the output is taken before sigmoid or softmax; as the loss takes it unless given."
    )


def _label_smoothing() -> Field[float]:
    return number(min=0, below=1, default=0, doc="How far the labels are moved towards evenly distributed ones.")


class BinaryCrossentropy(Metric):
    """Crossentropy of independent yes-or-no outputs."""

    keras = "keras.metrics.BinaryCrossentropy"
    strict = True
    aliases = ("bce",)
    targets = "binary"
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    examples = (example(""), example("{from_logits: true, label_smoothing: 0.1}"))


class CategoricalCrossentropy(Metric):
    """Crossentropy of exclusive classes, given as one-hot rows."""

    keras = "keras.metrics.CategoricalCrossentropy"
    targets = "one_hot"
    from_logits = _from_logits()
    label_smoothing = _label_smoothing()
    axis = _axis()
    examples = (example(""), example("{from_logits: true, label_smoothing: 0.1}"))


class SparseCategoricalCrossentropy(Metric):
    """Crossentropy of exclusive classes, given as numbers."""

    keras = "keras.metrics.SparseCategoricalCrossentropy"
    targets = "classes"
    from_logits = _from_logits()
    ignore_class = optional(integer(), doc="Class number whose examples do not count.")
    axis = _axis()
    examples = (example(""), example("{from_logits: true, ignore_class: 2}"))


class KLDivergence(Metric):
    """Kullback–Leibler divergence between two distributions over classes."""

    keras = "keras.metrics.KLDivergence"
    targets = "one_hot"


class Hinge(Metric):
    """Mean of max(1 − target · output, 0); targets 0 and 1 stand for −1 and 1."""

    keras = "keras.metrics.Hinge"
    strict = True
    targets = "binary"


class SquaredHinge(Metric):
    """Mean of the square of max(1 − target · output, 0); targets 0 and 1 stand for −1 and 1."""

    keras = "keras.metrics.SquaredHinge"
    strict = True
    targets = "binary"


class CategoricalHinge(Metric):
    """Mean of max(1 + best wrong output − right output, 0)."""

    keras = "keras.metrics.CategoricalHinge"
    targets = "one_hot"


class Mean(Metric):
    """Mean of a tensor of the graph, which `metrics` names in place of an output with a loss."""

    keras = "keras.metrics.Mean"
    alone = True
    direction = ""

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Raises a problem: the metric compares nothing with a target.

        Raises:
            Problem: E503.
        """
        message = "`mean` measures a tensor by itself, and this output is compared with a target"
        raise Problem("E503", message, "write `metrics: {NAME: [mean]}` of a tensor without a loss")
