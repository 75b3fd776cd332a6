import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomTokenInsert(keras.layers.Layer):
    """Inserts tokens of other places of the batch into a text [length] in training; the end is cut to the length.

    After Wei & Zou 2019, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification
    Tasks", section 2, random insertion, with words of the batch in place of synonyms: they are as frequent as in the
    data, and need no dictionary.

    Args:
        rate: Share of the tokens behind which another is inserted, unless padding is drawn for it.
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
        there = ops.not_equal(inputs, 0)
        others = ops.where(ops.logical_and(drawn, there), others, ops.zeros_like(inputs))
        # Each token and the one after it; what is 0 goes to the end, and the end away.
        length = ops.shape(inputs)[1]
        pairs = ops.reshape(ops.stack([inputs, others], axis=-1), (-1, 2 * length))
        order = ops.arange(2 * length)[None, :] + ops.where(ops.not_equal(pairs, 0), 0, 2 * length)
        return ops.take_along_axis(pairs, ops.argsort(order, axis=1)[:, :length], axis=1)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
