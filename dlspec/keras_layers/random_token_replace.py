import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomTokenReplace(keras.layers.Layer):
    """Puts other tokens in place of some of a text [length] in training; 0 is padding and stays.

    The other tokens are taken from the texts of the same batch, so frequent words come often (unigram noise: Xie et
    al. 2017, "Data Noising as Smoothing in Neural Network Language Models", section 3.1).

    Args:
        rate: Share of the tokens that are replaced.
        seed: Seed of the random numbers.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        ops = keras.ops
        flat = ops.reshape(inputs, (-1,))
        places = keras.random.uniform(ops.shape(inputs), seed=self.generator)
        places = ops.cast(places * ops.cast(ops.shape(flat)[0], "float32"), "int32")
        others = ops.take(flat, ops.minimum(places, ops.shape(flat)[0] - 1))
        drawn = keras.random.uniform(ops.shape(inputs), seed=self.generator) < self.rate
        replaced = ops.logical_and(drawn, ops.logical_and(ops.not_equal(inputs, 0), ops.not_equal(others, 0)))
        return ops.where(replaced, others, inputs)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
