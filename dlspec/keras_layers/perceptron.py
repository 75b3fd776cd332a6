import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Perceptron(keras.losses.Loss):
    """The perceptron criterion: an example on the wrong side costs its distance from 0, others nothing.

    The mean of max(0, -y·s) over scores s, for labels y of -1 and 1, or 0 and 1. One step of gradient descent on one
    example, with a learning rate of 1, is Rosenblatt's rule: w ← w + y·x where y·s ≤ 0. A score of 0 is wrong, so that
    weights may begin at 0. Rosenblatt 1958, "The perceptron: a probabilistic model".
    """

    def __init__(self, reduction="sum_over_batch_size", name="perceptron", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        more = len(y_pred.shape) - len(y_true.shape)
        if more == 1:
            y_true = ops.expand_dims(y_true, -1)
        elif more == -1:
            y_true = ops.squeeze(y_true, -1)
        side = ops.where(y_true > 0, ops.ones_like(y_pred), -ops.ones_like(y_pred)) * y_pred
        return ops.mean(ops.where(side > 0, ops.zeros_like(side), -side), axis=-1)
