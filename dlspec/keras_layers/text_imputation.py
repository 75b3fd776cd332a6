import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="dlspec")
class TextImputation(keras.layers.Layer):
    """Puts a word in place of an empty text.

    Args:
        strategy: Which word: the ``most_frequent`` of the data that `adapt` sees, or a ``constant``.
        fill_value: The word. `adapt` sets it.
    """

    def __init__(self, strategy="most_frequent", fill_value=None, **kwargs):
        super().__init__(**kwargs)
        if strategy not in ("most_frequent", "constant"):
            raise ValueError(f"Unknown strategy: {strategy}.")
        self.strategy = strategy
        self.fill_value = fill_value
        if strategy != "constant":
            self.adapt = self._adapt

    def _adapt(self, data):
        """Counts the words of `data`, a tensor or an array of texts."""
        data = np.asarray(data.numpy() if hasattr(data, "numpy") else data, dtype=object).ravel()
        known = np.array([word.decode() if isinstance(word, bytes) else word for word in data if word], dtype=object)
        values, counts = np.unique(known, return_counts=True)
        self.fill_value = str(values[counts.argmax()]) if len(values) else ""

    def call(self, inputs):
        return tf.where(tf.equal(inputs, ""), tf.constant(self.fill_value or ""), inputs)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, dtype="string")

    def get_config(self):
        return {**super().get_config(), "strategy": self.strategy, "fill_value": self.fill_value}
