import keras
import numpy as np


@keras.saving.register_keras_serializable(package="dlspec")
class Imputation(keras.layers.Layer):
    """Puts a number in place of NaN, one for each feature (the last axis).

    Args:
        strategy: ``mean``, ``median`` or ``most_frequent`` of the data that `adapt` sees, or a ``constant``.
        fill_value: The number, with ``constant``.
        indicator: Whether the output has, behind the features, one more number for each: 1 where it was missing.
    """

    def __init__(self, strategy="mean", fill_value=0.0, indicator=False, **kwargs):
        super().__init__(**kwargs)
        if strategy not in ("mean", "median", "most_frequent", "constant"):
            raise ValueError(f"Unknown strategy: {strategy}.")
        self.strategy = strategy
        self.fill_value = fill_value
        self.indicator = indicator
        self.fill = None
        if strategy != "constant":
            self.adapt = self._adapt

    def build(self, input_shape):
        if self.strategy != "constant" and self.fill is None:
            self.fill = self.add_weight(
                name="fill", shape=(input_shape[-1],), initializer="zeros", trainable=False, dtype=self.dtype
            )

    def _adapt(self, data):
        """Measures the numbers of `data`, an array of shape [examples, …, features] or a dataset of such batches."""
        if not hasattr(data, "shape"):
            data = np.concatenate([np.asarray(batch) for batch in data])
        data = np.asarray(data, "float64")
        self.build(data.shape)
        self.weights[0].assign(np.array([self._typical(column) for column in data.reshape(-1, data.shape[-1]).T]))

    def _typical(self, column):
        known = column[~np.isnan(column)]
        if len(known) == 0:
            return 0.0
        if self.strategy == "mean":
            return known.mean()
        if self.strategy == "median":
            return np.median(known)
        values, counts = np.unique(known, return_counts=True)
        return values[counts.argmax()]

    def call(self, inputs):
        missing = keras.ops.isnan(inputs)
        fill = self.fill_value if self.fill is None else keras.ops.cast(self.fill, inputs.dtype)
        outputs = keras.ops.where(missing, keras.ops.cast(fill, inputs.dtype), inputs)
        if self.indicator:
            outputs = keras.ops.concatenate([outputs, keras.ops.cast(missing, outputs.dtype)], axis=-1)
        return outputs

    def compute_output_shape(self, input_shape):
        factor = 2 if self.indicator else 1
        return (*input_shape[:-1], None if input_shape[-1] is None else factor * input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "strategy": self.strategy,
            "fill_value": self.fill_value,
            "indicator": self.indicator,
        }
