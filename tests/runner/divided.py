"""What the tests on parts of the CPU share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from dlspec.components.training.distributions import Mirrored

TWO = Mirrored(devices=2)
Weights = list[np.ndarray[Any, Any]]


@cache
def divide_cpu(count: int) -> None:
    """Makes `count` devices of the CPU once, before TensorFlow has computed anything in this process."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def same(one: Weights, other: Weights, tolerance: float = 1e-5) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def regularized() -> Any:
    """Weights and outputs that add to the loss."""
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="relu", kernel_regularizer="l2", activity_regularizer="l2")(x)
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")
