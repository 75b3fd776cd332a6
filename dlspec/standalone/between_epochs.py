"""Moving averages that the optimizers of learners keep, in the place of weights while epochs are measured and kept."""

from typing import Any

import keras


class AveragesBetweenEpochs(keras.callbacks.Callback):
    """Measures, compares and keeps epochs by the moving averages of the weights; training goes on from the weights.

    Args:
        learners: Those whose optimizers may have ``use_ema``.
    """

    def __init__(self, learners: Any) -> None:
        super().__init__()
        self.learners = learners
        self.own: list[Any] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Puts the weights back from which training goes on."""
        for variable, value in self.own:
            variable.assign(value)
        self.own = []

    def on_test_begin(self, logs: Any = None) -> None:
        """Puts the averages into the weights, for validation."""
        if self.own:
            return
        for learner in self.learners:
            scaled = isinstance(learner.optimizer, keras.optimizers.LossScaleOptimizer)
            rule = learner.optimizer.inner_optimizer if scaled else learner.optimizer
            averages = rule._model_variables_moving_average if rule.use_ema else []
            for variable, average in zip(rule._trainable_variables, averages, strict=False):
                self.own.append((variable, keras.ops.convert_to_numpy(variable)))
                variable.assign(average)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Puts the averages into the weights, for what compares and keeps epochs."""
        self.on_test_begin()
