import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class WidrowHoff(keras.losses.Loss):
    """Half the squared distance of a score from its label, -1 or 1: the error of Adaline.

    The mean of (y - s)² / 2 over scores s, for labels y of -1 and 1, or 0 and 1. One step of gradient descent on one
    example is the rule of Widrow and Hoff, also called least mean squares: w ← w + η·(y - s)·x. Widrow and Hoff 1960,
    "Adaptive switching circuits".
    """

    def __init__(self, reduction="sum_over_batch_size", name="widrow_hoff", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        more = len(y_pred.shape) - len(y_true.shape)
        if more == 1:
            y_true = ops.expand_dims(y_true, -1)
        elif more == -1:
            y_true = ops.squeeze(y_true, -1)
        sign = ops.where(y_true > 0, ops.ones_like(y_pred), -ops.ones_like(y_pred))
        return ops.mean(ops.square(sign - y_pred) / 2, axis=-1)
