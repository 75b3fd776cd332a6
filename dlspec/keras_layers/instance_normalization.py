import keras


@keras.saving.register_keras_serializable(package="dlspec")
class InstanceNormalization(keras.layers.Layer):
    """Brings each channel of each example to mean 0 and standard deviation 1 over its positions.

    Ulyanov et al. 2016, "Instance Normalization: The Missing Ingredient for Fast Stylization", section 2.
    The channels are the last axis; positions are all axes between them and the batch.

    Args:
        epsilon: Added to the variance against division by zero.
        center: Whether to add a learned offset, `beta`.
        scale: Whether to multiply by a learned factor, `gamma`.
        beta_initializer: Initializer of the offset.
        gamma_initializer: Initializer of the factor.
    """

    def __init__(
        self,
        epsilon=1e-5,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(name="gamma", shape=channels, initializer=self.gamma_initializer)
        if self.center:
            self.beta = self.add_weight(name="beta", shape=channels, initializer=self.beta_initializer)

    def call(self, inputs):
        positions = tuple(range(1, len(inputs.shape) - 1))
        mean, variance = keras.ops.moments(inputs, axes=positions, keepdims=True)
        outputs = (inputs - mean) * keras.ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            outputs = outputs * self.gamma
        if self.beta is not None:
            outputs = outputs + self.beta
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": keras.initializers.serialize(self.beta_initializer),
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
        }
