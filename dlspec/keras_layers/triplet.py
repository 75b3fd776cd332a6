import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Triplet(keras.layers.Layer):
    """The code of an example lies nearer to that of a positive one than to that of a negative one, by a margin.

    max(0, m + |a - p| - |a - n|) for each example. From Schroff, Kalenichenko & Philbin, "FaceNet: A Unified Embedding
    for Face Recognition and Clustering", 2015, equation 3, of distances rather than their squares.

    Args:
        margin: The m by which distances differ.
    """

    def __init__(self, margin=1.0, dtype="float32", **kwargs):
        super().__init__(dtype=dtype, **kwargs)
        self.margin = margin

    def call(self, anchor, positive, negative):
        nearer = self.distance(anchor, positive) - self.distance(anchor, negative)
        return ops.maximum(self.margin + nearer, 0)

    def distance(self, first, other):
        # A distance of 0 has no derivative: the root is taken of what is a little above.
        return ops.sqrt(ops.sum(ops.square(first - other), axis=-1) + 1e-12)

    def compute_output_shape(self, anchor_shape, positive_shape, negative_shape):
        return anchor_shape[:1]

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
