import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Ordinal(keras.layers.Layer):
    """Probabilities of classes in an order, from one number for each example: the proportional odds model.

    P(class ≤ k) = σ(θ_k - x) for the score x and learned thresholds θ_0 < θ_1 < …; the larger the score, the higher the
    class. From McCullagh, "Regression Models for Ordinal Data", 1980, section 2. The thresholds start where a score of
    0 makes all classes alike; they are kept in order by learning the first, and what softplus makes steps of.

    Args:
        classes: Number of classes.
    """

    gives_probabilities = True  # in 16 bits they would be 0 or 1 where the answer is sure

    def __init__(self, classes, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.supports_masking = True

    def build(self, input_shape):
        shares = np.arange(1, self.classes) / self.classes
        start = np.log(shares / (1 - shares))
        widths = np.log(np.expm1(np.diff(start)))
        self.first = self.add_weight(name="first", shape=(1,), initializer=keras.initializers.Constant(start[0]))
        self.steps = None
        if self.classes > 2:
            self.steps = self.add_weight(name="steps", shape=(self.classes - 2,), initializer="zeros")
            self.steps.assign(widths)

    def call(self, inputs):
        thresholds = self.first
        if self.steps is not None:
            steps = ops.cumsum(ops.softplus(self.steps))
            thresholds = ops.concatenate([self.first, self.first + steps])
        away = ops.cast(thresholds, inputs.dtype) - inputs
        below, above = ops.sigmoid(away), ops.sigmoid(-away)  # 1 less the other, but exact where that is nearly 1
        nothing, all_of_it = ops.zeros_like(below[..., :1]), ops.ones_like(below[..., :1])
        rising = ops.concatenate([below, all_of_it], axis=-1) - ops.concatenate([nothing, below], axis=-1)
        falling = ops.concatenate([all_of_it, above], axis=-1) - ops.concatenate([above, nothing], axis=-1)
        # Of two numbers that are nearly 1 the difference is lost, and not that of their distances from 1.
        low = ops.concatenate([away[..., :1], away], axis=-1)
        return ops.where(low > 0, falling, rising)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.classes)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}
