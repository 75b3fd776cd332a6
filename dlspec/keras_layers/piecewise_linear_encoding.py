import keras
import numpy as np


@keras.saving.register_keras_serializable(package="dlspec")
class PiecewiseLinearEncoding(keras.layers.Layer):
    """Spreads each number (feature, the last axis) over bins, so that a linear layer can follow any curve.

    Element t of a number x is ``clip((x - edge[t]) / (edge[t + 1] - edge[t]), 0, 1)``: 1 for the bins below x, a share
    for the bin that holds it, 0 for those above. The edges are quantiles of the data that `adapt` sees; of equal ones
    one counts, and the elements that are then too many are 0. NaN gives zeros. From Gorishniy et al., "On Embeddings
    for Numerical Features in Tabular Deep Learning", 2022, section 3.2, there without a limit at both ends.

    Args:
        bins: Number of bins for each feature.
        include_input: Whether the features themselves come first.
    """

    def __init__(self, bins=16, include_input=False, **kwargs):
        super().__init__(**kwargs)
        self.bins = bins
        self.include_input = include_input
        self.edges = None

    def build(self, input_shape):
        if self.edges is not None:
            return
        self.edges = self.add_weight(
            name="edges", shape=(input_shape[-1], self.bins + 1), initializer="zeros", trainable=False, dtype=self.dtype
        )

    def adapt(self, data):
        """Measures the edges on `data`, an array of shape [examples, …, features] or a dataset of such batches."""
        if not hasattr(data, "shape"):
            data = np.concatenate([np.asarray(batch) for batch in data])
        data = np.asarray(data, "float64")
        self.build(data.shape)
        self.weights[0].assign(np.array([self._quantiles(column) for column in data.reshape(-1, data.shape[-1]).T]))

    def _quantiles(self, column):
        known = column[~np.isnan(column)]
        if len(known) == 0:
            return np.zeros(self.bins + 1)
        # Numbers that the weight cannot tell apart are one edge, or a bin without a width would be divided by.
        edges = np.unique(np.quantile(known, np.linspace(0, 1, self.bins + 1)).astype(self.variable_dtype))
        return np.concatenate([edges, np.full(self.bins + 1 - len(edges), edges[-1])])

    def call(self, inputs):
        edges = keras.ops.cast(self.edges, inputs.dtype)
        low, width = edges[:, :-1], edges[:, 1:] - edges[:, :-1]
        known = keras.ops.logical_not(keras.ops.isnan(inputs))
        values = keras.ops.where(known, inputs, keras.ops.zeros_like(inputs))
        shares = keras.ops.clip((values[..., None] - low) / keras.ops.where(width > 0, width, 1), 0, 1)
        shares = keras.ops.where(keras.ops.logical_and(known[..., None], width > 0), shares, 0)
        outputs = keras.ops.reshape(shares, (*keras.ops.shape(inputs)[:-1], inputs.shape[-1] * self.bins))
        return keras.ops.concatenate([inputs, outputs], axis=-1) if self.include_input else outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] * (self.bins + (1 if self.include_input else 0)))

    def get_config(self):
        return {**super().get_config(), "bins": self.bins, "include_input": self.include_input}
