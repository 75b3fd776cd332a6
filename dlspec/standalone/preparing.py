"""Layers of preparation, applied to arrays."""

from typing import Any

import numpy as np
import tensorflow as tf
from keras import layers


def prepare(chain: list[layers.Layer], values: np.ndarray) -> np.ndarray:
    """The values after all layers; text comes as objects."""
    tensor = tf.constant(values.tolist() if values.dtype == object else values)
    for layer in chain:
        tensor = layer(tensor)
    return np.asarray(tensor)


def prepare_later(chain: list[layers.Layer], values: Any) -> Any:
    """The values after all layers; those that are made when a batch asks for them are prepared then."""
    if hasattr(values, "map"):
        return values.map(lambda batch: prepare(chain, batch))
    return prepare(chain, values)
