import keras


@keras.saving.register_keras_serializable(package="dlspec")
class Constant(keras.layers.Layer):
    """A tensor that nothing changes, the same for each example. Its input only tells how many examples there are.

    Args:
        value: A number, or nested lists of numbers of one example.
    """

    def __init__(self, value, **kwargs):
        super().__init__(**kwargs)
        self.value = value

    def call(self, inputs):
        value = keras.ops.convert_to_tensor(self.value, dtype=self.compute_dtype)
        return keras.ops.broadcast_to(value, (keras.ops.shape(inputs)[0], *value.shape))

    def compute_output_spec(self, inputs):
        shape = keras.ops.convert_to_tensor(self.value, dtype=self.compute_dtype).shape
        return keras.KerasTensor((inputs.shape[0], *shape), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "value": self.value}
