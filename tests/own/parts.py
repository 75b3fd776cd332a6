"""A component of each kind, as somebody writes them for plain Keras."""

from __future__ import annotations

import keras
from keras import layers, ops


class Scale(layers.Layer):
    """Multiplies each feature by a learned number.

    Args:
        initial: The number before training.
    """

    def __init__(self, initial: float = 1.0, kernel_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.supports_masking = True

    def build(self, shape):
        start = keras.initializers.Constant(self.initial)
        self.factor = self.add_weight((shape[-1],), start, name="factor", constraint=self.kernel_constraint)

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "initial": self.initial, "kernel_constraint": self.kernel_constraint}


class Noise(layers.Layer):
    """Adds numbers to what enters in training, each time others."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.stddev, self.seed = stddev, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        return inputs + keras.random.normal(ops.shape(inputs), 0.0, self.stddev, seed=self.generator)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class Squared(keras.losses.Loss):
    """Mean of squared differences, multiplied."""

    def __init__(self, factor: float = 1.0, name="squared", **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.mean(ops.square(y_pred - y_true), axis=-1)


class Within(keras.metrics.Metric):
    """Share of the answers within a distance."""

    direction = "up"

    def __init__(self, distance: float = 1.0, name="within", **kwargs):
        super().__init__(name=name, **kwargs)
        self.distance = distance
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        near = ops.cast(ops.abs(ops.cast(y_true, "float32") - y_pred) <= self.distance, "float32")
        self.hits.assign_add(ops.sum(near))
        self.count.assign_add(ops.cast(ops.size(near), "float32"))

    def result(self):
        return self.hits / ops.maximum(self.count, 1.0)


class Step(keras.optimizers.SGD):
    """Gradient descent under a name of its own."""

    def __init__(self, learning_rate=0.01, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """Half the rate after each so many steps."""

    def __init__(self, start: float, every: int):
        self.start, self.every = start, every

    def __call__(self, step):
        return self.start * 0.5 ** ops.floor(ops.cast(step, "float32") / self.every)

    def get_config(self):
        return {"start": self.start, "every": self.every}


class Quartic(keras.regularizers.Regularizer):
    """A penalty that grows with the fourth power."""

    def __init__(self, factor: float = 0.01):
        self.factor = factor

    def __call__(self, weight):
        return self.factor * ops.sum(ops.power(weight, 4))

    def get_config(self):
        return {"factor": self.factor}


class Stripes(keras.initializers.Initializer):
    """Rows of one value and of its opposite by turns."""

    def __init__(self, value: float = 0.1):
        self.value = value

    def __call__(self, shape, dtype=None):
        sign = 1.0 - 2.0 * ops.cast(ops.arange(shape[0]) % 2, dtype)
        return self.value * ops.broadcast_to(ops.reshape(sign, (-1, *(1,) * (len(shape) - 1))), shape)

    def get_config(self):
        return {"value": self.value}


class AtMost(keras.constraints.Constraint):
    """Weights between a bound and its opposite."""

    def __init__(self, bound: float = 1.0):
        self.bound = bound

    def __call__(self, weight):
        return ops.clip(weight, -self.bound, self.bound)

    def get_config(self):
        return {"bound": self.bound}


class Counting(keras.callbacks.Callback):
    """Counts epochs, and writes how many there were."""

    state = ("epochs",)

    def __init__(self):
        super().__init__()
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        print(f"epochs counted: {self.epochs}")


class _Helper(layers.Layer):
    """No component of the spec: its name begins with `_`."""
