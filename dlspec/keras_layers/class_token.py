import keras


@keras.saving.register_keras_serializable(package="dlspec")
class ClassToken(keras.layers.Layer):
    """Puts a learned step before a sequence; a classifier then reads what becomes of it.

    Dosovitskiy et al. 2021, "An Image Is Worth 16x16 Words", section 3.1, equation 1, after BERT's [class] token.

    Args:
        initializer: Initializer of the token.
        regularizer: Regularizer of the token.
    """

    def __init__(self, initializer="zeros", regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        self.token = self.add_weight(
            name="token",
            shape=(1, 1, input_shape[-1]),
            initializer=self.initializer,
            regularizer=self.regularizer,
        )

    def call(self, inputs):
        token = keras.ops.broadcast_to(self.token, (keras.ops.shape(inputs)[0], 1, inputs.shape[-1]))
        return keras.ops.concatenate([token, inputs], axis=1)

    def compute_mask(self, inputs, mask=None):
        if mask is None:
            return None
        return keras.ops.concatenate([keras.ops.ones_like(mask[:, :1]), mask], axis=1)

    def compute_output_shape(self, input_shape):
        batch, steps, features = input_shape
        return (batch, None if steps is None else steps + 1, features)

    def get_config(self):
        return {
            **super().get_config(),
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }
