import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="dlspec")
class Power(keras.layers.Layer):
    """A power of each feature (the last axis) that brings its spread close to a normal one.

    ``yeo_johnson`` takes all numbers and keeps 0 and the sign: of x, it gives ``((x + 1)^p - 1) / p`` from 0 on and
    ``-((1 - x)^(2 - p) - 1) / (2 - p)`` below (Yeo and Johnson, "A New Family of Power Transformations to Improve
    Normality or Symmetry", 2000). ``box_cox`` takes numbers above 0: ``(x^p - 1) / p`` (Box and Cox, "An Analysis of
    Transformations", 1964). The exponents p are those of maximum likelihood for the data that `adapt` sees.

    Args:
        method: ``yeo_johnson`` or ``box_cox``.
        invert: Whether to undo it. Some numbers are the power of none: what lies further from the powers of the data
            than a fifth of their range is held there, so that every answer is a number.
    """

    def __init__(self, method="yeo_johnson", invert=False, **kwargs):
        super().__init__(**kwargs)
        self.method = method
        self.invert = invert
        self.supports_masking = True
        self.exponents = self.lowest = self.highest = None

    def build(self, input_shape):
        if self.exponents is not None:
            return

        def weight(name, value):
            return self.add_weight(
                name=name, shape=(input_shape[-1],), initializer=value, trainable=False, dtype=self.variable_dtype
            )

        self.exponents = weight("exponents", "ones")
        self.lowest = weight("lowest", keras.initializers.Constant(-1e30))
        self.highest = weight("highest", keras.initializers.Constant(1e30))

    def adapt(self, data):
        """Finds the exponents for `data`, an array of shape [examples, …, features] or a dataset of such batches."""
        if not hasattr(data, "shape"):
            data = np.concatenate([np.asarray(batch) for batch in data])
        data = np.asarray(data, "float64")
        self.build(data.shape)
        fits = [self._fitted(column[~np.isnan(column)]) for column in data.reshape(-1, data.shape[-1]).T]
        for variable, values in zip(self.weights, zip(*fits, strict=True), strict=True):
            variable.assign(np.array(values))

    def _fitted(self, known):
        """The exponent of one feature, and where its powers are held when they are undone."""
        from scipy import stats

        if len(known) == 0 or known.min() == known.max():
            return 1.0, -1e30, 1e30
        yeo_johnson = self.method == "yeo_johnson"
        power = stats.yeojohnson if yeo_johnson else stats.boxcox
        exponent = float(power(known)[1])
        low, high = power(np.array([known.min(), known.max()]), exponent)
        margin = 0.2 * (high - low)
        lowest, highest = low - margin, high + margin
        # At these ends the number that was raised becomes infinite, or 0: half of the way there is far enough.
        if exponent < 0:
            highest = min(highest, (high - 1 / exponent) / 2)
        if yeo_johnson and exponent > 2:
            lowest = max(lowest, (low - 1 / (exponent - 2)) / 2)
        if not yeo_johnson and exponent > 0:
            lowest = max(lowest, (low - 1 / exponent) / 2)
        return exponent, lowest, highest

    def inverse(self, name=None):
        """The layer that undoes this one, of the same exponents."""
        other = Power(self.method, not self.invert, name=name)
        other.build((None, self.weights[0].shape[0]))
        other.set_weights(self.get_weights())
        return other

    def call(self, inputs):
        exponents = ops.cast(self.exponents, inputs.dtype)
        if self.invert:
            inputs = ops.clip(inputs, ops.cast(self.lowest, inputs.dtype), ops.cast(self.highest, inputs.dtype))
        if self.method == "box_cox":
            return ops.exp(_logarithm(inputs, exponents)) if self.invert else _raised(ops.log(inputs), exponents)
        exponents = ops.where(inputs < 0, 2 - exponents, exponents)
        size = ops.abs(inputs)
        transformed = ops.expm1(_logarithm(size, exponents)) if self.invert else _raised(ops.log1p(size), exponents)
        return ops.sign(inputs) * transformed

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "method": self.method, "invert": self.invert}


def _raised(logarithm, exponents):
    """(x^p - 1) / p of the logarithm of x; the logarithm itself for p = 0."""
    none = ops.abs(exponents) < 1e-6
    divisor = ops.where(none, ops.ones_like(exponents), exponents)
    return ops.where(none, logarithm, ops.expm1(logarithm * divisor) / divisor)


def _logarithm(raised, exponents):
    """The logarithm of the x of which `raised` is (x^p - 1) / p."""
    none = ops.abs(exponents) < 1e-6
    divisor = ops.where(none, ops.ones_like(exponents), exponents)
    return ops.where(none, raised, ops.log1p(raised * divisor) / divisor)
