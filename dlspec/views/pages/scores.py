"""Judging an output: what is known of its predictions after one pass over the examples.

Positions that the mask of an output leaves out, such as the padding of a sequence, count nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from dlspec.core.documents.results import OutputResults
from dlspec.data.binding.tasks import ARRAYS, NUMBERS, SERIES, TAGS, TRANSCRIPT, Task
from dlspec.views.pages.class_scores import Classes, Tags
from dlspec.views.pages.number_scores import Numbers, Sums
from dlspec.views.pages.transcripts import Transcripts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Score(Protocol):
    """Sees batches of predictions, and tells what came of them.

    Attributes:
        trivial: The answer that needs no model, as an array that can be kept; None until it is known.
    """

    task: Task
    trivial: Any

    @property
    def usual(self) -> Any:
        """What is answered always, as an array: the share of each class, or of yes, or the mean; None where unknown."""

    def learn(self, targets: Array, mask: Array | None = None, weights: Array | None = None) -> None:
        """Sees a batch of the training split's targets, among which the trivial answer is looked for."""

    def add(self, predicted: Array, target: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
        """Counts a batch; returns how bad each example is, larger being worse.

        Args:
            predicted: Shape [examples, …] as the model gives it.
            target: Shape [examples, …] as the loss receives it.
            mask: Of the predictions, as Keras carries it; None where all counts.
            weights: How much each example counts, shape [examples]; None where all count alike.
        """

    def facts(self) -> OutputResults:
        """The results as plain data."""


def score_of(task: Task) -> Score:
    """A score of the class that fits the kind of a task."""
    if task.kind == TAGS:
        return Tags(task)
    if task.kind == TRANSCRIPT:
        return Transcripts(task)
    if task.kind == NUMBERS:
        return Numbers(task)
    return Sums(task) if task.kind in (ARRAYS, SERIES) else Classes(task)
