import keras


@keras.saving.register_keras_serializable(package="dlspec")
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each activation by the strength of its neighbours, in other channels or around it.

    Across channels, Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks",
    section 3.3: x / (k + alpha * sum)^beta, where the sum is over the squares of `size` neighbouring channels.
    Within channels, Caffe's form (Jia et al. 2014, LRN layer, WITHIN_CHANNEL): the same over `size` x `size`
    neighbouring positions, with alpha / size² instead of alpha and zeros around the image.

    Args:
        size: Number of neighbouring channels, or width of the window; an odd number.
        alpha: Factor of the sum.
        beta: Exponent of the divisor.
        k: Constant of the divisor, against division by zero.
        region: "across_channels" or "within_channel".
    """

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0, region="across_channels", **kwargs):
        super().__init__(**kwargs)
        if size % 2 == 0:
            raise ValueError(f"The size must be odd, got {size}.")
        if region not in ("across_channels", "within_channel"):
            raise ValueError(f"Unknown region {region!r}.")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.region = region
        within = region == "within_channel"
        self.input_spec = keras.layers.InputSpec(ndim=4) if within else keras.layers.InputSpec(min_ndim=2)

    def call(self, inputs):
        squares = keras.ops.square(inputs)
        if self.region == "within_channel":
            strength = self.sum_of_window(self.sum_of_window(squares, 1), 2) / self.size**2
        else:
            strength = self.sum_of_window(squares, len(inputs.shape) - 1)
        return inputs * keras.ops.power(self.k + self.alpha * strength, -self.beta)

    def sum_of_window(self, x, axis):
        radius = self.size // 2
        padding = [(radius, radius) if index == axis else (0, 0) for index in range(len(x.shape))]
        padded = keras.ops.pad(x, padding)
        length = keras.ops.shape(x)[axis]
        before = (slice(None),) * axis
        windows = [(*before, slice(start, start + length)) for start in range(self.size)]
        return sum(padded[window] for window in windows)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
            "region": self.region,
        }
