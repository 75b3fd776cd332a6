import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class BarlowTwins(keras.losses.Loss):
    """Two views of an example get the same code, whose features tell different things.

    Each feature is brought to mean 0 and deviation 1 over the batch; C is the correlation of the features of both
    views. The loss is Σ_i (1 - C_ii)² + w Σ_{i ≠ j} C_ij², one for the whole batch. From Zbontar et al., "Barlow Twins:
    Self-Supervised Learning via Redundancy Reduction", 2021, equation 1.

    Args:
        redundancy: The weight w of the correlations between features.
    """

    def __init__(self, redundancy=0.005, reduction="sum_over_batch_size", name="barlow_twins", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.redundancy = redundancy

    def call(self, y_true, y_pred):
        first, second = self.standard(y_true), self.standard(y_pred)
        correlations = ops.matmul(ops.transpose(first), second) / ops.cast(ops.shape(y_true)[0], first.dtype)
        same = ops.eye(correlations.shape[0], dtype=correlations.dtype)
        return ops.sum(same * ops.square(1 - correlations)) + self.redundancy * ops.sum(
            (1 - same) * ops.square(correlations)
        )

    def standard(self, codes):
        centred = codes - ops.mean(codes, axis=0, keepdims=True)
        return centred / ops.sqrt(ops.mean(ops.square(centred), axis=0, keepdims=True) + 1e-12)

    def get_config(self):
        return {**super().get_config(), "redundancy": self.redundancy}
