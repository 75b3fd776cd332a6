import keras
import numpy as np
import tensorflow as tf

from dlspec.standalone.subwords import (
    subword_counts,
    subword_rows,
    subword_tokenizer,
    subword_vocabulary,
)


@keras.saving.register_keras_serializable(package="dlspec")
class SubwordVectorization(keras.layers.Layer):
    """Writes texts in pieces of words, and these as indices: 0 fills rows up, 1 is for what no piece holds.

    The pieces are those of "Neural Machine Translation of Rare Words with Subword Units" (Sennrich et al., 2016,
    ``bpe``), "Japanese and Korean Voice Search" (Schuster and Nakajima, 2012, ``wordpiece``), or "Subword
    Regularization" (Kudo, 2018, ``unigram``), as the package tokenizers trains and applies them.

    Args:
        max_tokens: Most indices, padding and unknown included.
        algorithm: ``bpe``, ``wordpiece`` or ``unigram``.
        standardize: ``lower`` for texts in small letters; None for texts as they are.
        output_sequence_length: Length of the rows; None for that of the longest one.
    """

    def __init__(self, max_tokens, algorithm="bpe", standardize=None, output_sequence_length=None, **kwargs):
        super().__init__(**kwargs)
        self.max_tokens = max_tokens
        self.algorithm = algorithm
        self.standardize = standardize
        self.output_sequence_length = output_sequence_length
        self.vocabulary = None
        self.rules = None
        self.supports_jit = False
        self._tokenizer = None

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        learned = {name: config.pop(name, None) for name in ("vocabulary", "rules")}
        layer = cls(**config)
        layer.vocabulary, layer.rules = learned["vocabulary"], learned["rules"]
        return layer

    def adapt(self, data):
        """Learns the pieces from `data`, a tensor or an array of texts, or a dataset of such batches."""
        counts = subword_counts(())
        for batch in [data] if hasattr(data, "shape") else data:
            texts = np.asarray(batch.numpy() if hasattr(batch, "numpy") else batch, dtype=object)
            counts += subword_counts(self._texts(texts))
        self.vocabulary, self.rules = subword_vocabulary(self.algorithm, counts, self.max_tokens - 2)
        self._tokenizer = None

    def get_vocabulary(self):
        """The text of each index; those inside of words begin with ``##`` where the algorithm is ``wordpiece``."""
        return ["", "[UNK]", *(self.vocabulary or [])]

    def vocabulary_size(self):
        return len(self.get_vocabulary())

    def call(self, inputs):
        texts = tf.reshape(inputs, [-1])
        rows = tf.numpy_function(self._rows, [texts], tf.int64, stateful=False)
        rows.set_shape((inputs.shape[0], self.output_sequence_length))
        return rows

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((inputs.shape[0], self.output_sequence_length), dtype="int64")

    def get_config(self):
        return {
            **super().get_config(),
            "max_tokens": self.max_tokens,
            "algorithm": self.algorithm,
            "standardize": self.standardize,
            "output_sequence_length": self.output_sequence_length,
            "vocabulary": None if self.vocabulary is None else list(self.vocabulary),
            "rules": None if self.rules is None else list(self.rules),
        }

    def _texts(self, texts):
        texts = [text.decode() if isinstance(text, bytes) else text for text in texts.ravel().tolist()]
        return [text.lower() for text in texts] if self.standardize == "lower" else texts

    def _rows(self, texts):
        if self._tokenizer is None:
            if self.vocabulary is None:
                raise ValueError("The pieces are not known: call `adapt` before.")
            self._tokenizer = subword_tokenizer(self.algorithm, self.vocabulary, self.rules)
        return subword_rows(self._tokenizer, self._texts(texts), self.output_sequence_length)
