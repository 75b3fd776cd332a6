import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class SSIM(keras.losses.Loss):
    """One minus the structural similarity of pictures, the mean over places and channels.

    From Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity",
    2004, equation 13, with means and variances under a Gaussian window that lies within the picture.

    Args:
        max_val: The range of the values: 1 from 0 to 1, 255 for bytes.
        filter_size: Side of the window in pixels.
        filter_sigma: Standard deviation of the window in pixels.
        k1: Steadies means near 0.
        k2: Steadies variances near 0.
    """

    def __init__(
        self,
        max_val=1.0,
        filter_size=11,
        filter_sigma=1.5,
        k1=0.01,
        k2=0.03,
        reduction="sum_over_batch_size",
        name="ssim",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.max_val = max_val
        self.filter_size = filter_size
        self.filter_sigma = filter_sigma
        self.k1 = k1
        self.k2 = k2

    def call(self, y_true, y_pred):
        mean_true, mean_pred = self.blurred(y_true), self.blurred(y_pred)
        both = mean_true * mean_pred
        squares = ops.square(mean_true) + ops.square(mean_pred)
        covariance = self.blurred(y_true * y_pred) - both
        variances = self.blurred(ops.square(y_true) + ops.square(y_pred)) - squares
        first, second = (self.k1 * self.max_val) ** 2, (self.k2 * self.max_val) ** 2
        luminance = (2 * both + first) / (squares + first)
        structure = (2 * covariance + second) / (variances + second)
        return 1 - ops.mean(luminance * structure, axis=(1, 2, 3))

    def blurred(self, pictures):
        """Means under the window, at each place where it fits."""
        channels = pictures.shape[-1]
        steps = ops.arange(self.filter_size, dtype=pictures.dtype) - (self.filter_size - 1) / 2
        weights = ops.exp(-0.5 * ops.square(steps / self.filter_sigma))
        weights = weights / ops.sum(weights)
        window = ops.reshape(ops.outer(weights, weights), (self.filter_size, self.filter_size, 1, 1))
        window = ops.tile(window, (1, 1, channels, 1))
        return ops.depthwise_conv(pictures, window, padding="valid", data_format="channels_last")

    def get_config(self):
        return {
            **super().get_config(),
            "max_val": self.max_val,
            "filter_size": self.filter_size,
            "filter_sigma": self.filter_sigma,
            "k1": self.k1,
            "k2": self.k2,
        }
