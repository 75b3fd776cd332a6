import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class DiceCrossentropy(keras.losses.Loss):
    """Crossentropy of each pixel, and one minus the Dice overlap of each example's areas, added.

    mean(crossentropy) + 1 - (2 Σ p t + s) / (Σ p + Σ t + s) for probabilities p and targets t of one example. From
    Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation", 2021.

    Args:
        from_logits: Whether the output is taken before sigmoid.
        smooth: The s that keeps empty areas from dividing by 0.
    """

    def __init__(
        self, from_logits=False, smooth=1.0, reduction="sum_over_batch_size", name="dice_crossentropy", dtype=None
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.smooth = smooth

    def call(self, y_true, y_pred):
        y_true = ops.reshape(y_true, (ops.shape(y_pred)[0], -1))
        y_pred = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1))
        each = ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=self.from_logits), axis=-1)
        shares = ops.sigmoid(y_pred) if self.from_logits else y_pred
        both = 2 * ops.sum(shares * y_true, axis=-1) + self.smooth
        return each + 1 - both / (ops.sum(shares, axis=-1) + ops.sum(y_true, axis=-1) + self.smooth)

    def get_config(self):
        return {**super().get_config(), "from_logits": self.from_logits, "smooth": self.smooth}
