import keras


@keras.saving.register_keras_serializable(package="dlspec")
class GaussianSampling(keras.layers.Layer):
    """Draws from a normal distribution so that gradients reach its mean and variance, and adds its KL divergence.

    Kingma & Welling 2014, "Auto-Encoding Variational Bayes", section 2.4 (reparameterization) and appendix B: the
    loss grows by kl_weight * -1/2 * sum(1 + log_variance - mean² - exp(log_variance)), averaged over the batch. Other
    weights than 1 make a beta-VAE (Higgins et al. 2017). Outside training the output is the mean.

    Args:
        kl_weight: Factor of the divergence from the standard normal distribution in the loss.
        return_loss: Whether the divergence of each example is given as well, and nothing is added to the loss.
        seed: Seed of the random numbers.
    """

    def __init__(self, kl_weight=1.0, seed=None, return_loss=False, **kwargs):
        super().__init__(**kwargs)
        self.kl_weight = kl_weight
        self.return_loss = return_loss
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
        divergence = keras.ops.sum(divergence, axis=features)
        drawn = mean
        if training:
            noise = keras.random.normal(keras.ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
            drawn = mean + keras.ops.exp(0.5 * log_variance) * noise
        if self.return_loss:
            return drawn, divergence
        self.add_loss(self.kl_weight * keras.ops.mean(divergence))
        return drawn

    def compute_output_spec(self, mean, log_variance, training=False):
        drawn = keras.KerasTensor(mean.shape, dtype=self.compute_dtype)
        return (drawn, keras.KerasTensor(mean.shape[:1], dtype="float32")) if self.return_loss else drawn

    def compute_mask(self, inputs, previous_mask):
        first = keras.tree.flatten(previous_mask)[0] if previous_mask is not None else None
        return (first, None) if self.return_loss else first

    def get_config(self):
        return {
            **super().get_config(),
            "kl_weight": self.kl_weight,
            "return_loss": self.return_loss,
            "seed": self.seed,
        }
