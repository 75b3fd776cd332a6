import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class BatchTriplet(keras.losses.Loss):
    """The farthest code of an example's class lies nearer than the nearest one of another class, by a margin.

    max(0, m + max_p |z_i - z_p| - min_n |z_i - z_n|) over the others p of the class and all n of other classes in the
    batch; 0 where there is no p or no n. From Hermans et al., "In Defense of the Triplet Loss for Person
    Re-Identification", 2017, equation 5.

    Args:
        margin: The m by which distances differ.
    """

    def __init__(self, margin=1.0, reduction="sum_over_batch_size", name="batch_triplet", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = margin

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1, 1))
        apart = ops.expand_dims(y_pred, 1) - ops.expand_dims(y_pred, 0)
        # A distance of 0 has no derivative: the root is taken of what is a little above.
        distances = ops.sqrt(ops.sum(ops.square(apart), axis=-1) + 1e-12)
        same = ops.equal(labels, ops.transpose(labels))
        own = ops.cast(ops.eye(ops.shape(y_pred)[0]), "bool")
        alike = ops.logical_and(same, ops.logical_not(own))
        farthest = ops.max(ops.where(alike, distances, ops.zeros_like(distances)), axis=1)
        nearest = ops.min(ops.where(same, ops.full_like(distances, 1e9), distances), axis=1)
        some = ops.logical_and(ops.any(alike, axis=1), ops.logical_not(ops.all(same, axis=1)))
        losses = ops.maximum(self.margin + farthest - nearest, 0)
        return ops.where(some, losses, ops.zeros_like(losses))

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
