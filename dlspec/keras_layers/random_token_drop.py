import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomTokenDrop(keras.layers.Layer):
    """Leaves out tokens of a text [length] in training; the others move up, and 0 pads the end.

    Wei & Zou 2019, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks",
    section 2, random deletion.

    Args:
        rate: Share of the tokens that are left out.
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
        drawn = keras.random.uniform(ops.shape(inputs), seed=self.generator)
        kept = ops.logical_and(drawn >= self.rate, ops.not_equal(inputs, 0))
        inputs = ops.where(kept, inputs, ops.zeros_like(inputs))
        places = ops.arange(ops.shape(inputs)[1])[None, :]
        order = ops.argsort(places + ops.where(kept, 0, ops.shape(inputs)[1]), axis=1)
        return ops.take_along_axis(inputs, order, axis=1)

    def compute_output_spec(self, inputs, training=False):
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
