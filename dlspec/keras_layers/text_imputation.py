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
        """Counts the words of `data`, a tensor or an array of texts, or a dataset of such batches."""
        counts: dict[str, int] = {}
        for batch in [data] if hasattr(data, "shape") else data:
            words = np.asarray(batch.numpy() if hasattr(batch, "numpy") else batch, dtype=object).ravel()
            for word in words:
                word = word.decode() if isinstance(word, bytes) else word
                if word:
                    counts[word] = counts.get(word, 0) + 1
        self.fill_value = min(counts, key=lambda word: (-counts[word], word), default="")

    def call(self, inputs):
        return tf.where(tf.equal(inputs, ""), tf.constant(self.fill_value or ""), inputs)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, dtype="string")

    def get_config(self):
        return {**super().get_config(), "strategy": self.strategy, "fill_value": self.fill_value}
