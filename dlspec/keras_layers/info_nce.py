import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class InfoNCE(keras.losses.Loss):
    """Each code of one side finds its partner among those of the other side, both ways.

    For codes of length 1, the scores a_i · b_k / t are held against i = k by crossentropy over k and over i; an
    example's loss is the mean of both. From van den Oord et al., "Representation Learning with Contrastive Predictive
    Coding", 2018, both ways as in Radford et al., "Learning Transferable Visual Models From Natural Language
    Supervision", 2021.

    Args:
        temperature: The t by which similarities are divided.
    """

    def __init__(self, temperature=0.1, reduction="sum_over_batch_size", name="info_nce", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.temperature = temperature

    def call(self, y_true, y_pred):
        first = ops.normalize(y_true, axis=-1, epsilon=1e-12)
        second = ops.normalize(y_pred, axis=-1, epsilon=1e-12)
        scores = ops.matmul(first, ops.transpose(second)) / self.temperature
        own = ops.arange(ops.shape(y_true)[0])
        forward = ops.sparse_categorical_crossentropy(own, scores, from_logits=True)
        other = ops.sparse_categorical_crossentropy(own, ops.transpose(scores), from_logits=True)
        return (forward + other) / 2

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
