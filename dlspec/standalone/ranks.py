import keras
from keras import ops


def class_numbers(y_true, y_pred):
    """Numbers of the right classes, and of those with the largest outputs."""
    if len(y_true.shape) == len(y_pred.shape):
        y_true = ops.squeeze(y_true, -1)
    return ops.cast(y_true, "int32"), ops.cast(ops.argmax(y_pred, axis=-1), "int32")


def distances(y_true, y_pred):
    """Classes between the right one and the answer."""
    right, answer = class_numbers(y_true, y_pred)
    return ops.cast(ops.abs(right - answer), "float32")


@keras.saving.register_keras_serializable(package="dlspec")
class RankError(keras.metrics.MeanMetricWrapper):
    """Mean distance between the numbers of the right class and of the one with the largest output."""

    def __init__(self, name="rank_error", dtype=None):
        super().__init__(distances, name=name, dtype=dtype)
        self._direction = "down"

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="dlspec")
class CohenKappa(keras.metrics.Metric):
    """Agreement of answers and targets beyond that of chance: 1 - Σ w·o / Σ w·e (Cohen 1960, weights Cohen 1968).

    o are the shares of right class i and answer j, e the products of the shares of both. The weights are 1 where the
    two differ, or their distance, or its square. 0 where nothing differs in either.

    Args:
        weights: `none`, `linear` or `quadratic`.
    """

    def __init__(self, weights="none", name="cohen_kappa", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.weights_by = weights
        self.counts = None
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        classes = y_pred.shape[-1]
        if self.counts is None:
            self.counts = self.add_variable((classes, classes), "zeros", dtype="float64", name="counts")
        right, answer = class_numbers(y_true, y_pred)
        weight = ops.ones_like(right, "float64")
        if sample_weight is not None:
            weight = ops.reshape(ops.cast(sample_weight, "float64"), ops.shape(right))
        rows, columns = (ops.one_hot(ops.reshape(which, (-1,)), classes, dtype="float64") for which in (right, answer))
        self.counts.assign_add(ops.matmul(ops.transpose(rows * ops.reshape(weight, (-1, 1))), columns))

    def result(self):
        if self.counts is None:
            return ops.cast(0.0, self.dtype)
        numbers = ops.arange(self.counts.shape[0], dtype="float64")
        apart = ops.abs(numbers[:, None] - numbers[None, :])
        if self.weights_by == "none":
            apart = ops.cast(apart > 0, "float64")
        elif self.weights_by == "quadratic":
            apart = ops.square(apart)
        counts = ops.convert_to_tensor(self.counts)
        chance = ops.matmul(ops.sum(counts, axis=1, keepdims=True), ops.sum(counts, axis=0, keepdims=True))
        wrong, expected = ops.sum(apart * counts) * ops.sum(counts), ops.sum(apart * chance)
        some = ops.cast(expected > 0, "float64")
        return ops.cast(some - ops.divide_no_nan(wrong, expected), self.dtype)

    def reset_state(self):
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def get_config(self):
        return {**super().get_config(), "weights": self.weights_by}
