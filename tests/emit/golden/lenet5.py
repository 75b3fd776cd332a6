"""The model lenet5."""

import keras
from keras import layers


def build_model() -> keras.Model:
    """Builds the model: image [28, 28, 1] → [10], 61,706 parameters."""
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(6, 5, padding="same", activation="tanh")(image)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(16, 5, activation="tanh")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation="tanh")(x)
    x = layers.Dense(84, activation="tanh")(x)
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(image, x, name="lenet5")
