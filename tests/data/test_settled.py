"""What layers have measured, where Keras's own would go on with less than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlspec.data.feeding.preparing import settle

TEXTS = ["a\nb", "b a", "c\u2028a"]


@pytest.mark.parametrize("constant", [0.0, 0.1, 1000.1, -3e6])
def test_a_feature_that_is_constant_in_training_has_variance_1(constant: float) -> None:
    values = np.random.default_rng(0).normal(5, 3, size=(50, 2)).astype("float32")
    values[:, 1] = constant
    layer = keras.layers.Normalization()
    layer.adapt(values)
    settle(layer)
    expected = (values[:, 0] - values[:, 0].mean()) / values[:, 0].std()
    np.testing.assert_allclose(np.array(layer(values))[:, 0], expected, rtol=1e-4, atol=1e-5)
    other = np.array(layer(np.array([[0, constant + 2]], "float32")))[0, 1]
    np.testing.assert_allclose(other, 2, atol=1 if abs(constant) > 1e6 else 1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.TextVectorization(split="character", standardize=None),
        lambda: keras.layers.StringLookup(output_mode="one_hot"),
    ],
)
def test_words_with_line_breaks_survive_saving(make: Any, tmp_path: Path) -> None:
    layer = make()
    layer.adapt(np.array(TEXTS, object))
    settle(layer)
    entering = keras.Input((1,), dtype="string")
    model = keras.Model(entering, layer(entering))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    texts = np.array([[text] for text in TEXTS], object)
    before, after = (
        model(keras.ops.convert_to_tensor(texts.tolist())),
        loaded(keras.ops.convert_to_tensor(texts.tolist())),
    )
    np.testing.assert_array_equal(np.array(before), np.array(after))
