import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomCategorical(keras.layers.Layer):
    """Draws the number of a class by the softmax of logits along the last axis; no gradients pass.

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
        return keras.ops.argmax(keras.ops.cast(logits, "float32") + noise, axis=-1)

    def compute_output_spec(self, logits, training=False):
        return keras.KerasTensor(logits.shape[:-1], dtype="int32")

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
