"""One seed for everything random in a run."""

from __future__ import annotations


def set_seed(seed: int) -> None:
    """Seeds Python, NumPy, TensorFlow and Keras; to be called before the model is built."""
    import keras

    keras.utils.set_random_seed(seed)
