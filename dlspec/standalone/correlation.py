import keras
from keras import ops


class Correlation(keras.metrics.Metric):
    """Correlation of targets and outputs over all examples, a mean over the values of each.

    Keras's `PearsonCorrelation` and `ConcordanceCorrelation` with `axis=0` take the correlation of each batch by itself
    and then the mean: it depends on the batch size, and is NaN for a batch of one example.

    Pearson: covariance / (standard deviations). Lin 1989, "A concordance correlation coefficient to evaluate
    reproducibility": 2 covariance / (sum of the variances + squared difference of the means). 0 where nothing varies.

    Args:
        concordance: Whether it is Lin's coefficient.
    """

    def __init__(self, concordance=False, name="correlation", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.concordance = concordance
        self.sums = None
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.cast(y_pred, "float64")
        y_true = ops.reshape(ops.cast(y_true, "float64"), ops.shape(y_pred))
        if self.sums is None:
            self.sums = self.add_variable((6, *y_pred.shape[1:]), "zeros", dtype="float64", name="sums")
        parts = (ops.ones_like(y_pred), y_true, y_pred, y_true * y_true, y_pred * y_pred, y_true * y_pred)
        if sample_weight is not None:
            weight = ops.cast(ops.reshape(sample_weight, ops.shape(y_pred)), "float64")
            parts = tuple(ops.where(weight > 0, part * weight, 0) for part in parts)
        self.sums.assign_add(ops.stack([ops.sum(part, axis=0) for part in parts]))

    def result(self):
        if self.sums is None:
            return ops.cast(0.0, self.dtype)
        counts = self.sums[0]
        true, guess, true_squared, guess_squared, product = ops.unstack(
            self.sums[1:] / ops.where(counts > 0, counts, 1), 5
        )
        covariance = product - true * guess
        variances = true_squared - true * true, guess_squared - guess * guess
        if self.concordance:
            by_step = ops.divide_no_nan(2 * covariance, variances[0] + variances[1] + ops.square(true - guess))
        else:
            by_step = ops.divide_no_nan(covariance, ops.sqrt(ops.maximum(variances[0] * variances[1], 0)))
        seen = ops.cast(counts > 0, "float64")  # a step that no example reaches has no correlation
        return ops.cast(ops.divide_no_nan(ops.sum(by_step * seen), ops.sum(seen)), self.dtype)

    def reset_state(self):
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def get_config(self):
        return {**super().get_config(), "concordance": self.concordance}


class VectorCorrelation(keras.metrics.MeanMetricWrapper):
    """The mean of the correlations of single vectors, Pearson's or Lin's.

    It is 0 for a vector without any spread. Keras's `PearsonCorrelation` is NaN for one, and with it the mean of all,
    even where a mask leaves the vector out, as it does with padded targets.

    Args:
        axis: Along which the vectors lie, counting the batch as 0.
        concordance: Whether it is Lin's coefficient.
    """

    def __init__(self, axis=-1, concordance=False, name="correlation", dtype=None):
        super().__init__(correlations, name=name, dtype=dtype, axis=axis, concordance=concordance)
        self._direction = "up"

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}


def correlations(y_true, y_pred, axis, concordance):
    y_pred = ops.cast(y_pred, "float64")
    y_true = ops.reshape(ops.cast(y_true, "float64"), ops.shape(y_pred))
    means = ops.mean(y_true, axis=axis, keepdims=True), ops.mean(y_pred, axis=axis, keepdims=True)
    true, guess = y_true - means[0], y_pred - means[1]
    covariance = ops.mean(true * guess, axis=axis)
    variances = ops.mean(ops.square(true), axis=axis), ops.mean(ops.square(guess), axis=axis)
    if concordance:
        apart = ops.square(ops.squeeze(means[0] - means[1], axis=axis))
        return ops.divide_no_nan(2 * covariance, variances[0] + variances[1] + apart)
    return ops.divide_no_nan(covariance, ops.sqrt(variances[0] * variances[1]))
