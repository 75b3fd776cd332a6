import keras
from keras import ops


class _OfSteps(keras.metrics.Metric):
    """A metric of class numbers [examples, steps], of which steps that count have a weight above 0."""

    def __init__(self, ignore_class=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.ignore_class = ignore_class
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def weights_of(self, y_true, y_pred, sample_weight):
        """The weight of each step, [examples, steps]: 0 for padding and for what a mask leaves out."""
        weights = ops.ones(ops.shape(y_true), self.dtype)
        if self.ignore_class is not None:
            weights = weights * ops.cast(ops.not_equal(y_true, self.ignore_class), self.dtype)
        mask = y_pred._keras_mask if hasattr(y_pred, "_keras_mask") else None
        if mask is not None:
            weights = weights * ops.cast(ops.reshape(mask, ops.shape(y_true)), self.dtype)
        if sample_weight is not None:
            given = ops.cast(sample_weight, self.dtype)
            given = given if len(given.shape) == len(y_true.shape) else ops.reshape(given, (-1, 1))
            weights = weights * given
        return weights

    def add(self, values, weights):
        """Adds values with their weights, tensors of one shape."""
        self.total.assign(self.total + ops.sum(ops.cast(values, self.dtype) * weights))
        self.count.assign(self.count + ops.sum(weights))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self):
        return {**super().get_config(), "ignore_class": self.ignore_class}


def class_numbers(y_true):
    """Class numbers as int32 [examples, steps]: a last axis of 1 is left out."""
    y_true = ops.cast(ops.convert_to_tensor(y_true), "int32")
    return y_true[..., 0] if len(y_true.shape) > 2 and y_true.shape[-1] == 1 else y_true


@keras.saving.register_keras_serializable(package="dlspec")
class SequenceAccuracy(_OfSteps):
    """Share of sequences in which the largest output of every step that counts is that of the right class."""

    def __init__(self, ignore_class=None, name=None, dtype=None):
        super().__init__(ignore_class, name, dtype)
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        true = class_numbers(y_true)
        weights = self.weights_of(true, y_pred, sample_weight)
        right = ops.equal(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), true)
        whole = ops.all(ops.logical_or(right, ops.equal(weights, 0)), axis=1)
        self.add(whole, ops.max(weights, axis=1))


@keras.saving.register_keras_serializable(package="dlspec")
class Perplexity(_OfSteps):
    """e to the power of the mean crossentropy of the steps that count."""

    def __init__(self, from_logits=False, ignore_class=None, name=None, dtype=None):
        super().__init__(ignore_class, name, dtype)
        self.from_logits = from_logits
        self._direction = "down"

    def update_state(self, y_true, y_pred, sample_weight=None):
        true = class_numbers(y_true)
        weights = self.weights_of(true, y_pred, sample_weight)
        self.add(ops.sparse_categorical_crossentropy(true, y_pred, from_logits=self.from_logits), weights)

    def result(self):
        return ops.exp(super().result())

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits}
