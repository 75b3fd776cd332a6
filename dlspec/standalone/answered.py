import keras
from keras import ops


class Answered(keras.metrics.Metric):
    """Another metric, but that sees yes and no cut at any threshold, and nothing of what a mask leaves out.

    Keras's metrics of yes and no take thresholds between 0 and 1 only, and but for means over single values they count
    what the mask of the output leaves out.

    Args:
        metric: The metric.
        threshold: The output above which the answer is yes, which becomes 1, and any other 0.
        sigmoid: Whether scores become probabilities, for thresholds that the metric chooses between 0 and 1.
    """

    def __init__(self, metric, threshold=None, sigmoid=False, name=None, dtype=None):
        super().__init__(name=name or metric.name, dtype=dtype)
        self.metric = metric
        self.threshold = threshold
        self.sigmoid = sigmoid

    def update_state(self, y_true, y_pred, sample_weight=None):
        if sample_weight is None and hasattr(y_pred, "_keras_mask") and y_pred._keras_mask is not None:
            sample_weight = self._weight(y_pred._keras_mask, y_true)
        if self.threshold is not None:
            y_pred = ops.cast(y_pred > self.threshold, "float32")
        if self.sigmoid:
            y_pred = ops.sigmoid(y_pred)
        self.metric.update_state(y_true, y_pred, sample_weight)

    def _weight(self, mask, y_true):
        """1 and 0 for each answer: of classes in the last axis there is one."""
        one_hot = isinstance(self.metric, keras.metrics.IoU) and not self.metric.sparse_y_true
        rank = len(y_true.shape) - 1 if one_hot else len(y_true.shape)
        while len(mask.shape) < rank:
            mask = ops.expand_dims(mask, -1)
        return ops.broadcast_to(ops.cast(mask, "float32"), ops.shape(y_true)[:rank])

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()

    def get_config(self):
        config = {"metric": keras.saving.serialize_keras_object(self.metric)}
        return {**super().get_config(), **config, "threshold": self.threshold, "sigmoid": self.sigmoid}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "metric": keras.saving.deserialize_keras_object(config["metric"])})
