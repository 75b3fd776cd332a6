import keras


@keras.saving.register_keras_serializable(package="dlspec")
class LayerScale(keras.layers.Layer):
    """Multiplies each channel by a learned factor that starts small; stands at the end of a residual branch.

    Touvron et al. 2021, "Going deeper with Image Transformers", section 2, equation 4. The paper starts with 0.1 for
    up to 18 blocks, 1e-5 for up to 24 and 1e-6 for more.

    Args:
        initial_value: Value of the factors before training.
    """

    def __init__(self, initial_value=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.initial_value = initial_value
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    def build(self, input_shape):
        self.gamma = self.add_weight(
            name="gamma",
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial_value),
        )

    def call(self, inputs):
        return inputs * self.gamma

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "initial_value": self.initial_value}
