import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomBernoulli(keras.layers.Layer):
    """Draws 1 with a probability that the graph computes, else 0; no gradients pass.

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

    def call(self, probabilities, training=False):
        # In use it draws by another seed than training does at its first step.
        seed = self.seed_generator if training else (self.seed + 2**30) % (2**31 - 1)
        shares = keras.random.uniform(keras.ops.shape(probabilities), dtype="float32", seed=seed)
        drawn = keras.ops.cast(shares < keras.ops.cast(probabilities, "float32"), probabilities.dtype)
        return keras.ops.stop_gradient(drawn)

    def compute_output_shape(self, probabilities_shape):
        return probabilities_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
