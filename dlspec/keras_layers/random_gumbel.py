import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomGumbel(keras.layers.Layer):
    """Adds Gumbel noise to logits, whose largest one is then a draw by their softmax; gradients pass.

    In training the numbers are others at each call. In use they follow from the seed and the example's place
    in the batch alone, so that the same examples have the same ones.

    Args:
        seed: Seed of the random numbers.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.seed_generator = keras.random.SeedGenerator(seed)
        # One that Keras has chosen is kept, so that a saved model draws as this one does.
        self.seed = int(keras.ops.convert_to_numpy(self.seed_generator.state)[0])

    def call(self, logits, training=False):
        # In use it draws by another seed than training does at its first step.
        seed = self.seed_generator if training else (self.seed + 2**30) % (2**31 - 1)
        shares = keras.random.uniform(keras.ops.shape(logits), minval=1e-7, maxval=1.0, dtype="float32", seed=seed)
        noise = -keras.ops.log(-keras.ops.log(keras.ops.minimum(shares, 1.0 - 1e-7)))
        return logits + keras.ops.cast(noise, logits.dtype)

    def compute_output_shape(self, logits_shape):
        return logits_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
