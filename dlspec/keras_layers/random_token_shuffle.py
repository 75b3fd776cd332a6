import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomTokenShuffle(keras.layers.Layer):
    """Moves the tokens of a text [length] a little in training; 0 is padding and stays at the end.

    Iyyer et al. 2015 and Lample et al. 2018, "Unsupervised Machine Translation Using Monolingual Corpora Only",
    section 2.3: a token at i is sorted by i + u, where u is drawn from 0 to `distance` + 1, so that none moves farther
    than `distance`.

    Args:
        distance: How many places a token moves at most.
        seed: Seed of the random numbers.
    """

    def __init__(self, distance=3, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.distance = distance
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        ops = keras.ops
        places = ops.cast(ops.arange(ops.shape(inputs)[1]), "float32")[None, :]
        keys = places + keras.random.uniform(ops.shape(inputs), 0, self.distance + 1, seed=self.generator)
        keys = ops.where(ops.equal(inputs, 0), places + 1e6, keys)
        return ops.take_along_axis(inputs, ops.argsort(keys, axis=1), axis=1)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "distance": self.distance, "seed": self.seed}
