"""The model churn."""

import keras
from keras import layers


def build_model(
    depth: int = 2, units: int = 32, dropout: float = 0.0, act: str = "relu"
) -> keras.Model:
    """Builds the model: features [20] → [1], 1,761 parameters."""
    features = keras.Input((20,), name="features")
    x = features
    for _ in range(depth):
        x = layers.Dense(units, activation=act)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Dense(1, activation="sigmoid")(x)
    return keras.Model(features, x, name="churn")
