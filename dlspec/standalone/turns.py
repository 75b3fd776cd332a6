"""Callbacks of a training in which learners take turns."""

import math
from typing import Any

import keras


class StopsUnlessFinite(keras.callbacks.Callback):
    """Ends a training when what some learner minimises is infinite or not a number."""

    def on_train_batch_end(self, batch, logs=None):
        for learner in self.model.learners:
            shown = self.model.shown[learner.total]
            if float(shown.count) and not math.isfinite(float(shown.total)):
                self.model.stop_training = True


class Optimized:
    """What a callback asks of a model that has several optimizers: one of them."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer


def for_learner(callback: Any, learner: Any) -> Any:
    """A callback that acts on the optimizer of one learner, and logs its learning rate under the learner's name."""
    set_model, over = callback.set_model, callback.on_epoch_end

    def on_epoch_end(epoch, logs):
        over(epoch, logs)
        if learner.name and "learning_rate" in logs:
            logs[f"{learner.name}_learning_rate"] = logs.pop("learning_rate")

    callback.set_model = lambda _: set_model(Optimized(learner.optimizer))
    callback.on_epoch_end = on_epoch_end
    return callback
