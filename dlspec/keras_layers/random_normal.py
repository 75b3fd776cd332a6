import random

import keras


@keras.saving.register_keras_serializable(package="dlspec")
class RandomNormal(keras.layers.Layer):
    """Draws normal numbers of a mean and a standard deviation that the graph computes, through which gradients pass.

    In training the numbers are others at each call. In use they follow from the seed and the example's place in the
    batch alone, so that the same examples have the same ones.

    Args:
        seed: Seed of the random numbers; drawn by Python, and saved, unless given.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = random.randint(1, 10**9) if seed is None else seed
        self.supports_masking = True
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, mean, stddev, training=False):
        seed = self.seed_generator if training else self.seed + 1
        return mean + stddev * keras.random.normal(keras.ops.shape(mean), dtype=mean.dtype, seed=seed)

    def compute_output_shape(self, mean_shape, stddev_shape):
        return mean_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
