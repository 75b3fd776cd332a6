import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class NTXent(keras.losses.Loss):
    """Two views of each example find each other among all views of the batch.

    For codes z of length 1 and the 2N views of N examples, view i with partner j has the loss
    -log(exp(z_i · z_j / t) / Σ_{k ≠ i} exp(z_i · z_k / t)); an example's is the mean of its two. From Chen et al., "A
    Simple Framework for Contrastive Learning of Visual Representations", 2020, equation 1.

    Args:
        temperature: The t by which similarities are divided.
    """

    def __init__(self, temperature=0.5, reduction="sum_over_batch_size", name="nt_xent", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.temperature = temperature

    def call(self, y_true, y_pred):
        count = ops.shape(y_true)[0]
        codes = ops.normalize(ops.concatenate([y_true, y_pred], axis=0), axis=-1, epsilon=1e-12)
        scores = ops.matmul(codes, ops.transpose(codes)) / self.temperature
        scores = scores - 1e9 * ops.eye(2 * count, dtype=scores.dtype)
        partners = ops.roll(ops.arange(2 * count), count)
        losses = ops.sparse_categorical_crossentropy(partners, scores, from_logits=True)
        return (losses[:count] + losses[count:]) / 2

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
