import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class WestonWatkins(keras.losses.Loss):
    """The right class leads each other one by a margin: the loss of a support vector machine of several classes.

    Σ_{j ≠ y} max(0, m + f_j - f_y) for scores f and the class number y. From Weston and Watkins, "Support Vector
    Machines for Multi-Class Pattern Recognition", 1999, equation 4 (there m = 2).

    Args:
        margin: The m by which the right class leads.
    """

    def __init__(self, margin=1.0, reduction="sum_over_batch_size", name="weston_watkins", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = margin

    def call(self, y_true, y_pred):
        if len(y_true.shape) == len(y_pred.shape):
            y_true = ops.squeeze(y_true, -1)
        right = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        score = ops.sum(right * y_pred, axis=-1, keepdims=True)
        return ops.sum((1 - right) * ops.maximum(self.margin + y_pred - score, 0), axis=-1)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
