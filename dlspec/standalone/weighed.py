from typing import Any

import keras
import numpy as np


class Weighed(keras.Model):
    """A model whose batches hold two weights of each example: how much it counts in the loss, and in metrics.

    Weights of classes belong into the first alone, those of examples into both. The loss of a batch is Σ w·l / n, as
    Keras takes it.
    """

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, y, y_pred, in_loss(sample_weight), training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred, in_metrics(sample_weight))


def in_loss(weights: Any) -> Any:
    """The weights of a batch that count in the loss."""
    return weights[0] if isinstance(weights, tuple) else weights


def in_metrics(weights: Any) -> Any:
    """The weights of a batch that count in metrics."""
    return weights[1] if isinstance(weights, tuple) else weights


def weighing(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights of the values of examples, shape [examples, …], times those of the examples."""
    return weights.reshape(-1, *[1] * (values.ndim - 1)) * values
