"""A model that combines finished ones: nothing is trained, it is measured, saved and reported as any other."""

from __future__ import annotations

from collections.abc import Sequence

from dlspec.core.documents.report import Planned
from dlspec.training.loop.trainer import Trainer
from dlspec.training.loop.training_state import TrainingState

# As :class:`dlspec.training.train.Request` names a trainer.
COMBINED = "dlspec.training.combined.CombinedTrainer"


class CombinedTrainer(Trainer):
    """Goes through one epoch without a step, so that there are measures."""

    @property
    def phases(self) -> Sequence[int]:
        """One epoch."""
        return (1,)

    @property
    def planned(self) -> Planned:
        """One epoch without a step."""
        return {"epochs": 1, "steps_per_epoch": 0, "scheduled": False}

    def step(self, state: TrainingState) -> bool:
        """There is none."""
        return False
