import keras


@keras.saving.register_keras_serializable(package="dlspec")
class Shrink(keras.layers.Layer):
    """Leaves the input as it is and adds its mean square to the loss.

    Args:
        factor: Factor of the mean square.
    """

    def __init__(self, factor=0.1, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.supports_masking = True

    def call(self, inputs):
        self.add_loss(self.factor * keras.ops.mean(keras.ops.square(keras.ops.cast(inputs, "float32"))))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
