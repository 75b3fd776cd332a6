import keras


@keras.saving.register_keras_serializable(package="dlspec")
class StochasticDepth(keras.layers.Layer):
    """Sets whole examples to zero during training and scales up the others; stands at the end of a residual branch.

    Huang et al. 2016, "Deep Networks with Stochastic Depth", section 3. The paper multiplies by 1 - rate in use;
    here, as in later implementations, training divides by it, so that the layer does nothing in use.

    Args:
        rate: Share of the examples that skip the branch; 1 minus the paper's survival probability.
        seed: Seed of the random numbers.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        one_per_example = (keras.ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        return keras.random.dropout(inputs, self.rate, noise_shape=one_per_example, seed=self.seed_generator)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
