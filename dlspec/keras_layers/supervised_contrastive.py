import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class SupervisedContrastive(keras.losses.Loss):
    """Codes of one class find each other among all of the batch.

    For codes z of length 1, the loss of example i is the mean, over the others p of its class, of
    -log(exp(z_i · z_p / t) / Σ_{k ≠ i} exp(z_i · z_k / t)), and 0 where there is none. From Khosla et al., "Supervised
    Contrastive Learning", 2020, equation 2.

    Args:
        temperature: The t by which similarities are divided.
    """

    def __init__(self, temperature=0.1, reduction="sum_over_batch_size", name="supervised_contrastive", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.temperature = temperature

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1, 1))
        codes = ops.normalize(y_pred, axis=-1, epsilon=1e-12)
        scores = ops.matmul(codes, ops.transpose(codes)) / self.temperature
        own = ops.eye(ops.shape(codes)[0], dtype=scores.dtype)
        alike = ops.cast(ops.equal(labels, ops.transpose(labels)), scores.dtype) - own
        logs = scores - ops.logsumexp(scores - 1e9 * own, axis=1, keepdims=True)
        return -ops.divide_no_nan(ops.sum(alike * logs, axis=1), ops.sum(alike, axis=1))

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
