import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Quantile(keras.losses.Loss):
    """The pinball loss: each unit of the output learns below which number a share of the targets lies.

    For the share q and the error e = target - output, it is q · e where the target lies above, and (q - 1) · e where it
    lies below; the loss is the mean over the units. From Koenker and Bassett, "Regression Quantiles", 1978.

    Args:
        quantiles: The share of each unit.
    """

    def __init__(self, quantiles, reduction="sum_over_batch_size", name="quantile", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.quantiles = tuple(quantiles)

    def call(self, y_true, y_pred):
        if len(y_true.shape) < len(y_pred.shape):
            y_true = ops.expand_dims(y_true, -1)
        error = y_true - y_pred
        shares = ops.convert_to_tensor(self.quantiles, dtype=error.dtype)
        return ops.mean(ops.maximum(shares * error, (shares - 1) * error), axis=-1)

    def get_config(self):
        return {**super().get_config(), "quantiles": self.quantiles}
