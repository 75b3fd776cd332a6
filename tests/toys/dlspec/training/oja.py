"""See the method ``oja``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.core.documents.report import Fact
from dlspec.training.loop.backend import Feed
from dlspec.training.loop.trainer import Logs, Trainer
from dlspec.training.loop.training_state import TrainingState


class OjaTrainer(Trainer):
    """Takes one batch a step."""

    def epoch(self, state: TrainingState) -> None:
        super().epoch(state)
        self._batches = iter(self.feed.dataset)

    def step(self, state: TrainingState) -> bool:
        """Adds step_size · mean over the batch of y (x − y w)."""
        from keras import ops

        batch = next(self._batches, None)
        if batch is None:
            return False
        method: Any = self.job.method
        kernel = self.job.model.trainable_variables[0]
        x, y = batch[0], ops.matmul(batch[0], kernel)
        moved = ops.matmul(ops.transpose(x), y) - kernel * ops.sum(y * y)
        kernel.assign_add(method.step_size * moved / len(x))
        state.step += 1
        return True

    @property
    def facts(self) -> Mapping[str, Fact]:
        """How long the kernel is: 1 where the rule has come to its end."""
        import numpy as np

        length = float(np.linalg.norm(self.job.model.trainable_variables[0]))
        return {"kernel_length": {"title": "length of the kernel", "value": length, "unit": ""}}

    def measure(self, feed: Feed) -> Logs:
        """The mean square of all outputs."""
        import numpy as np

        feed.set_position(0, 0)
        return {"energy": float(np.mean([np.mean(self.job.model(batch[0]) ** 2) for batch in feed.dataset]))}
