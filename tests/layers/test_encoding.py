"""The piecewise linear encoding of numbers: its formula, equal quantiles, gaps, saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from both import CATALOGUE, instance


def _layer(options: Any, data: Any) -> Any:
    layer = instance(CATALOGUE["layer", "piecewise_linear_encoding"], options).make()
    layer.adapt(np.asarray(data, "float32"))
    return layer


def test_formula() -> None:
    data = np.random.default_rng(0).gamma(2, size=(400, 3)).astype("float32")
    found = np.array(_layer({"bins": 8}, data)(data)).reshape(400, 3, 8)
    for feature in range(3):
        x, edges = data[:, feature, None], np.quantile(data[:, feature], np.linspace(0, 1, 9))
        np.testing.assert_allclose(found[:, feature], np.clip((x - edges[:-1]) / np.diff(edges), 0, 1), atol=1e-4)


def test_numbers_beyond_the_training_data_stay_within_the_bins() -> None:
    layer = _layer({"bins": 2}, [[0], [1], [2], [3], [4]])
    np.testing.assert_allclose(layer(np.array([[-9], [1], [3], [99]], "float32")), [[0, 0], [0.5, 0], [1, 0.5], [1, 1]])


def test_equal_quantiles_count_once_and_a_constant_feature_gives_zeros() -> None:
    layer = _layer({"bins": 4, "include_input": True}, [[0, 7]] * 60 + [[1, 7]] * 40)
    np.testing.assert_allclose(layer(np.array([[1, 7], [0, 9]], "float32"))[:, :2], [[1, 7], [0, 9]])
    np.testing.assert_allclose(layer(np.array([[1, 7], [0, 9]], "float32"))[:, 2:], [[1, *[0] * 7], [0] * 8])


def test_a_gap_gives_zeros_and_is_not_measured() -> None:
    layer = _layer({"bins": 2}, [[0], [np.nan], [4]])
    np.testing.assert_allclose(layer(np.array([[np.nan], [3]], "float32")), [[0, 0], [1, 0.5]])


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras 3.15 with NumPy 2 warns whenever it saves
def test_the_edges_are_saved(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(size=(50, 2)).astype("float32")
    layer, x = _layer({"bins": 3, "include_input": True}, data), keras.Input((2,))
    model = keras.Model(x, layer(x))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.output_shape == (None, 8)
    np.testing.assert_array_equal(again(data), model(data))
