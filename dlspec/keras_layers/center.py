import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Center(keras.losses.Loss):
    """The code of an example lies near the mean code of its class in the batch.

    |z_i - c|² / 2, c the mean over all examples of the batch that have the class of i. From Wen et al., "A
    Discriminative Feature Learning Approach for Deep Face Recognition", 2016, equation 2, with the centers of the batch
    in place of remembered ones. Alone it is least where all codes are equal: it stands beside a loss that tells the
    classes apart.
    """

    def __init__(self, reduction="sum_over_batch_size", name="center", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1, 1))
        same = ops.cast(ops.equal(labels, ops.transpose(labels)), y_pred.dtype)
        centers = ops.matmul(same, y_pred) / ops.sum(same, axis=1, keepdims=True)
        return ops.sum(ops.square(y_pred - centers), axis=-1) / 2
