import keras


@keras.saving.register_keras_serializable(package="dlspec")
class GaussianSampling(keras.layers.Layer):
    """Draws from a normal distribution so that gradients reach its mean and variance, and adds its KL divergence.

    Kingma & Welling 2014, "Auto-Encoding Variational Bayes", section 2.4 (reparameterization) and appendix B: the
    loss grows by kl_weight * -1/2 * sum(1 + log_variance - mean² - exp(log_variance)), averaged over the batch. Other
    weights than 1 make a beta-VAE (Higgins et al. 2017). Outside training the output is the mean.

    Args:
        kl_weight: Factor of the divergence from the standard normal distribution in the loss.
        seed: Seed of the random numbers.
    """

    def __init__(self, kl_weight=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.kl_weight = kl_weight
        self.seed = seed
        self.supports_masking = True
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, mean_shape, log_variance_shape):
        if tuple(mean_shape) != tuple(log_variance_shape):
            raise ValueError(f"Mean and variance differ in shape: {mean_shape} and {log_variance_shape}.")

    def call(self, mean, log_variance, training=False):
        # Where layers compute in float16, the loss is in float32 all the same.
        center, spread = keras.ops.cast(mean, "float32"), keras.ops.cast(log_variance, "float32")
        divergence = -0.5 * (1.0 + spread - keras.ops.square(center) - keras.ops.exp(spread))
        features = tuple(range(1, len(mean.shape)))
        self.add_loss(self.kl_weight * keras.ops.mean(keras.ops.sum(divergence, axis=features)))
        if not training:
            return mean
        noise = keras.random.normal(keras.ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + keras.ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, mean_shape, log_variance_shape):
        return mean_shape

    def get_config(self):
        return {**super().get_config(), "kl_weight": self.kl_weight, "seed": self.seed}
