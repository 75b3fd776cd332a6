import keras


@keras.saving.register_keras_serializable(package="dlspec")
class Weight(keras.layers.Layer):
    """A learned tensor, the same for each example. Its input only tells how many examples there are.

    Args:
        shape: Its shape without the batch.
        initializer: How it starts.
        regularizer: What its size costs.
        constraint: What it is brought to after each update.
    """

    def __init__(self, shape, initializer="glorot_uniform", regularizer=None, constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self.constraint = keras.constraints.get(constraint)

    def build(self, input_shape):
        self.value = self.add_weight(
            name="value",
            shape=self.shape,
            initializer=self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
        )

    def call(self, inputs):
        return keras.ops.broadcast_to(self.value, (keras.ops.shape(inputs)[0], *self.shape))

    def compute_output_spec(self, inputs):
        return keras.KerasTensor((inputs.shape[0], *self.shape), dtype=self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "shape": list(self.shape),
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "constraint": keras.constraints.serialize(self.constraint),
        }
