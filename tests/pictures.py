"""A judge of drawn 8 × 8 digits: a classifier of real ones, how sure it is, and how far its features lie apart.

Classes alone prove nothing: it sees nine of ten in uniform noise. Share, confidence and distance belong together.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dlspec.views.figures.frechet import distance


class Figures(NamedTuple):
    """Of drawn pictures: what the judge recognises, how surely, and how far they lie from real ones."""

    classes: int  # that at least 2 % of the pictures show with a probability of 0.9 or more
    confidence: float  # share of pictures with a probability of 0.9 or more
    distance: float  # Fréchet distance of the features to those of held-out real pictures
    labels: Any  # class of each picture


@cache
def split() -> tuple[Any, Any, Any, Any]:
    """Pictures and labels of scikit-learn's digits, values 0 to 1: 1437 to learn from, 360 held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pictures = (digits.images / 16).astype("float32")[..., None]
    parts = train_test_split(pictures, digits.target, test_size=360, random_state=0, stratify=digits.target)
    return parts[0], parts[2], parts[1], parts[3]


@cache
def classifier() -> tuple[Any, Any]:
    """A network that knows the digits (99 % of those held out), and the one that gives its last hidden features."""
    import keras

    keras.utils.set_random_seed(0)
    pictures, labels, held_out, their_labels = split()
    inputs = keras.Input([8, 8, 1])
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = keras.layers.Dropout(0.3)(keras.layers.MaxPooling2D()(x))
    features = keras.layers.Dense(64, activation="relu")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(features))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(pictures, labels, batch_size=64, epochs=25, verbose=0)
    assert model.evaluate(held_out, their_labels, verbose=0)[1] > 0.98
    return model, keras.Model(inputs, features)


def judge(pictures: Any) -> Figures:
    """What the classifier says to pictures of shape [number, 8, 8, 1] with values from 0 to 1."""
    model, features = classifier()
    scores = model.predict(pictures, verbose=0)
    labels, sure = scores.argmax(axis=1), scores.max(axis=1) >= 0.9
    counts = np.bincount(labels[sure], minlength=10)
    real = features.predict(split()[2], verbose=0)
    apart = distance(features.predict(pictures, verbose=0), real)
    return Figures(int((counts >= 0.02 * len(labels)).sum()), float(sure.mean()), apart, labels)
