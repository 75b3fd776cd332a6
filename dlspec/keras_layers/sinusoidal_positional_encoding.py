import keras


@keras.saving.register_keras_serializable(package="dlspec")
class SinusoidalPositionalEncoding(keras.layers.Layer):
    """Adds sines and cosines of the position to each step of a sequence.

    Vaswani et al. 2017, "Attention Is All You Need", section 3.5: feature 2i of position p is
    sin(p / max_wavelength^(2i / features)), feature 2i + 1 the cosine of the same.

    Args:
        max_wavelength: Longest wavelength, divided by 2π.
    """

    def __init__(self, max_wavelength=10000.0, **kwargs):
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def call(self, inputs):
        steps, features = keras.ops.shape(inputs)[-2:]
        position = keras.ops.cast(keras.ops.arange(steps), "float32")[:, None]
        feature = keras.ops.arange(features)
        pair = keras.ops.cast(feature // 2, "float32")
        exponent = 2.0 * pair / keras.ops.cast(features, "float32")
        angle = position / keras.ops.power(float(self.max_wavelength), exponent)
        encoding = keras.ops.where(feature % 2 == 0, keras.ops.sin(angle), keras.ops.cos(angle))
        return inputs + keras.ops.cast(encoding, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
