import keras
from keras import ops


class Answered(keras.metrics.Metric):
    """Another metric, but that sees yes and no cut at any threshold, and nothing of what does not count.

    Keras's metrics of yes and no take thresholds between 0 and 1 only. But for means over single values they count what
    the mask of the output leaves out, and in means the class that `ignore_class` names counts as 0 or as a mistake.
    Weights of examples, [examples], become those of each answer, which only Keras's means and scores of rows do.

    Args:
        metric: The metric.
        threshold: The output above which the answer is yes, which becomes 1, and any other 0.
        sigmoid: Whether scores become probabilities, for thresholds that the metric chooses between 0 and 1.
        softmax: Whether scores of classes become their shares first.
        ignored: The class number whose elements do not count.
    """

    def __init__(self, metric, threshold=None, sigmoid=False, softmax=False, ignored=None, name=None, dtype=None):
        super().__init__(name=name or metric.name, dtype=dtype)
        self.metric = metric
        self.threshold = threshold
        self.sigmoid = sigmoid
        self.softmax = softmax
        self.ignored = ignored
        self._direction = metric._direction if hasattr(metric, "_direction") else None

    def update_state(self, y_true, y_pred, sample_weight=None):
        mask = y_pred._keras_mask if hasattr(y_pred, "_keras_mask") else None
        sample_weight = self._weight(y_true, mask, sample_weight)
        if self.softmax:
            y_pred = ops.softmax(y_pred)
        if self.threshold is not None:
            y_pred = ops.cast(y_pred > self.threshold, "float32")
        if self.sigmoid:
            y_pred = ops.sigmoid(y_pred)
        self.metric.update_state(y_true, y_pred, sample_weight)

    def _weight(self, y_true, mask, examples):
        """The weight of each answer, of classes in the last axis there is one; None where all count alike.

        Args:
            y_true: The targets.
            mask: Of the answers, or None.
            examples: The weight of each example, or None.
        """
        overlap = isinstance(self.metric, keras.metrics.IoU)
        rank = len(y_true.shape) - (overlap and not self.metric.sparse_y_true)
        by_keras = keras.metrics.Mean, keras.metrics.FBetaScore, keras.metrics.R2Score  # it weighs these rightly
        single = mask is not None and isinstance(self.metric, keras.metrics.RootMeanSquaredError)
        if examples is not None and self.ignored is None and isinstance(self.metric, by_keras) and not single:
            return examples if mask is None else ops.reshape(examples, (-1, *[1] * (len(mask.shape) - 1)))
        counts = []
        if mask is not None:
            while len(mask.shape) < rank:
                mask = ops.expand_dims(mask, -1)
            counts.append(ops.broadcast_to(ops.cast(mask, "bool"), ops.shape(y_true)[:rank]))
        if self.ignored is not None:
            counts.append(ops.not_equal(y_true, ops.cast(self.ignored, y_true.dtype)))
        if not counts and examples is None:
            return None
        weight = ops.ones(ops.shape(y_true)[:rank]) if not counts else ops.all(ops.stack(counts), axis=0)
        weight = ops.cast(weight, "float32")
        if examples is not None:
            weight = weight * ops.cast(ops.reshape(examples, (-1, *[1] * (rank - 1))), "float32")
        if hasattr(self.metric, "class_id") and self.metric.class_id is not None:
            weight = weight[..., :1]  # Keras looks at a single unit, and weighs that
        return ops.cast(weight, "int32") if overlap and examples is None else weight

    def result(self):
        return self.metric.result()

    def reset_state(self):
        self.metric.reset_state()

    def get_config(self):
        config = {"metric": keras.saving.serialize_keras_object(self.metric)}
        config |= {"threshold": self.threshold, "sigmoid": self.sigmoid, "softmax": self.softmax}
        return {**super().get_config(), **config, "ignored": self.ignored}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "metric": keras.saving.deserialize_keras_object(config["metric"])})
