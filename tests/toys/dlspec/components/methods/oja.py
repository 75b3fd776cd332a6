"""A method that compares nothing with targets."""

from __future__ import annotations

from collections.abc import Sequence

from dlspec.components.methods.base import CHECKPOINT, EPOCHS, SEED, Method
from dlspec.components.registry import example, number


class Oja(Method):
    """Turns the kernel of the last dense layer towards the principal component of what enters it (Oja 1982)."""

    trainer = "dlspec.training.oja.OjaTrainer"
    needs_targets = False
    keep = "best"
    step_size = number(above=0, default=0.05, doc="How far the kernel moves along each batch.")
    epochs = EPOCHS
    seed = SEED
    checkpoint = CHECKPOINT
    examples = (example("{step_size: 0.01}"),)

    def measures(self, outputs: Sequence[str]) -> dict[str, str]:
        """The mean square of the outputs."""
        return {"energy": "up"}
