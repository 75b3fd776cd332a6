"""Metrics that count right answers."""

from __future__ import annotations

from typing import Any, ClassVar

from dlspec.components.registry import Example, boolean, choice, example, integer, number, optional
from dlspec.components.training import targets as rules
from dlspec.components.training.heads import Head
from dlspec.components.training.metrics import THRESHOLD, Metric, at_threshold
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


class Accuracy(Metric):
    """Share of right answers: binary, sparse or categorical, as Keras chooses by the shapes."""

    aliases = ("acc",)
    direction = "up"
    share_right = True
    reads = "class"
    targets = "classes"
    dtype = None
    name: ClassVar[Any] = optional(choice("accuracy", "acc"), doc="Name under which it is reported.")

    def make(self, **extra: Any) -> str:
        """The word that Keras takes in ``compile``."""
        return str(self.name)

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Checks target and output as the metric that Keras chooses does."""
        rules.by_task(self.registered_name, target, output)

    def settled(self, head: Head) -> Metric:
        """Each unit of a yes-or-no loss counts by itself: Keras compares the largest of several, and cuts at 0.5."""
        if head.ignored is not None:
            return SparseCategoricalAccuracy(name=self.name).settled(head)
        if head.masked and head.weighed:  # what Keras chooses itself takes no weights behind a mask
            return self._chosen(head).settled(head)
        single = head.output.shape[-1:] == (1,) if head.output is not None else head.binary
        if not (head.threshold != 0.5 if single else head.binary):
            return self
        return BinaryAccuracy(name=self.name).settled(head)

    def _chosen(self, head: Head) -> Metric:
        """The accuracy that Keras chooses."""
        if head.loss is not None and head.loss.targets == "classes":
            return SparseCategoricalAccuracy(name=self.name)
        several = head.output is not None and head.output.shape[-1:] != (1,) and not head.binary
        return CategoricalAccuracy(name=self.name) if several else BinaryAccuracy(name=self.name)


class BinaryAccuracy(Metric):
    """Share of right yes-or-no answers."""

    keras = "keras.metrics.BinaryAccuracy"
    direction = "up"
    share_right = True
    reads = "class"
    targets = "binary"
    shorthand = "threshold"
    threshold = number(default=0.5, doc=THRESHOLD)
    examples = (example(""), example("0.7"), example("0.0"))

    def settled(self, head: Head) -> Metric:
        """The metric with the threshold at which the loss divides yes from no."""
        return at_threshold(self, head)


class CategoricalAccuracy(Metric):
    """Share of examples whose largest output is that of the right class, given as one-hot row."""

    keras = "keras.metrics.CategoricalAccuracy"
    direction = "up"
    share_right = True
    reads = "class"
    targets = "one_hot"


class SparseCategoricalAccuracy(Metric):
    """Share of examples whose largest output is that of the right class, given as number."""

    keras = "keras.metrics.SparseCategoricalAccuracy"
    direction = "up"
    share_right = True
    reads = "class"
    targets = "classes"


class _TopK(Metric, abstract=True):
    """Looks for the right class among the largest outputs; equal ones count as larger."""

    kind = "metric"  # declared again: these options come last
    from_sorted_ids: Any = False
    direction = "up"
    share_right = True
    shorthand = "k"
    k = integer(min=1, default=5, doc="How many outputs count; fewer than there are classes.")
    examples: ClassVar[tuple[Example, ...]] = (example("1"), example("2"))

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Not all classes count."""
        super().problem(target, output)
        size = output.shape[-1]
        if size is not None and self.k >= size and not self.from_sorted_ids:
            message = f"the right one of {size} classes is always among {self.k} (`k` of {self.registered_name})"
            raise Problem("E503", message, f"write `{self.registered_name}: 1`, or any `k` below {size}", option="k")


class TopKCategoricalAccuracy(_TopK):
    """Share of examples whose right class, given as one-hot row, is among the k largest outputs."""

    keras = "keras.metrics.TopKCategoricalAccuracy"
    targets = "one_hot"


class SparseTopKCategoricalAccuracy(_TopK):
    """Share of examples whose right class, given as number, is among the k largest outputs."""

    keras = "keras.metrics.SparseTopKCategoricalAccuracy"
    targets = "classes"
    from_sorted_ids = boolean(default=False, doc="Whether the output holds class numbers, best first.")
    examples = (example("1"), example("2"), example("{k: 2, from_sorted_ids: true}"))
