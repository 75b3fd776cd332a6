import keras


@keras.saving.register_keras_serializable(package="dlspec")
class PositionalEmbedding(keras.layers.Layer):
    """Adds a learned vector for its position to each step of a sequence.

    Vaswani et al. 2017, "Attention Is All You Need", section 3.5, after Gehring et al. 2017; used by BERT and ViT.

    Args:
        max_length: Number of vectors; the number of steps of the input unless given.
        embeddings_initializer: Initializer of the vectors.
        embeddings_regularizer: Regularizer of the vectors.
        embeddings_constraint: Constraint on the vectors.
    """

    def __init__(
        self,
        max_length=None,
        embeddings_initializer="uniform",
        embeddings_regularizer=None,
        embeddings_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.max_length = max_length
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.embeddings_regularizer = keras.regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = keras.constraints.get(embeddings_constraint)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def build(self, input_shape):
        steps, features = input_shape[-2:]
        length = self.max_length or steps
        if length is None or (steps or 0) > length:
            raise ValueError(f"{steps} steps do not fit a maximum length of {self.max_length}.")
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(length, features),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, inputs):
        return inputs + self.embeddings[: keras.ops.shape(inputs)[-2]]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "max_length": self.max_length,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": keras.regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": keras.constraints.serialize(self.embeddings_constraint),
        }
