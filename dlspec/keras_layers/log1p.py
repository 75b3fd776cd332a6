import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Log1p(keras.layers.Layer):
    """The natural logarithm of 1 + x, for numbers above -1 that are spread over several sizes.

    Args:
        invert: Whether to undo it: ``exp(x) - 1``, computed as ``tanh(x / 2) * (exp(x) + 1)``, which is exact near 0.
    """

    def __init__(self, invert=False, **kwargs):
        super().__init__(**kwargs)
        self.invert = invert
        self.supports_masking = True

    def inverse(self, name=None):
        """The layer that undoes this one."""
        return Log1p(not self.invert, name=name)

    def call(self, inputs):
        return ops.tanh(inputs / 2) * (ops.exp(inputs) + 1) if self.invert else ops.log1p(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "invert": self.invert}
