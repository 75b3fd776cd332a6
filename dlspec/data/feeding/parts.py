"""One part of the split, ready to train or to be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.data.feeding.examples import Examples, InMemory
from dlspec.data.feeding.made import MadeExamples
from dlspec.data.sources.base import Arrays

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split.

    Attributes:
        examples: Batches of them are ``(inputs, targets)``: what enters each input of the model, and what the loss
            compares with each output, tensors of shape [n, …] by name.
        weights: How much each of them counts, float32; None where all count alike.
    """

    examples: Examples
    weights: Array | None = None

    @property
    def count(self) -> int:
        """How many examples it has."""
        return self.examples.count

    @property
    def streamed(self) -> bool:
        """Whether the examples are not in memory."""
        return not self.examples.in_memory

    @property
    def inputs(self) -> Arrays:
        """Arrays that enter the model, by input, each of shape [examples, …]; only of a part in memory."""
        assert isinstance(self.examples, InMemory | MadeExamples)
        inputs: Arrays = self.examples.values[0]
        return inputs

    @property
    def targets(self) -> Arrays:
        """Arrays that the loss takes, by output, each of shape [examples, …]; only of a part in memory."""
        if isinstance(self.examples, MadeExamples):
            return self.examples.targets
        assert isinstance(self.examples, InMemory)
        targets: Arrays = self.examples.values[1]
        return targets
