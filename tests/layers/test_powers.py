"""Logarithms and powers of numbers against scipy and scikit-learn, and what undoes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from both import CATALOGUE, instance
from sklearn.preprocessing import PowerTransformer

NUMBERS = np.random.default_rng(0).gamma(1.5, 40, size=(300, 2)).astype("float32")


def _layer(name: str, options: Any, data: Any = NUMBERS) -> Any:
    layer = instance(CATALOGUE["layer", name], options).make()
    if hasattr(layer, "adapt"):
        layer.adapt(data)
    return layer


@pytest.mark.parametrize("value", [-0.999, -1e-6, 0, 1e-6, 0.5, 1e4, 3e7])
def test_the_logarithm_is_undone(value: float) -> None:
    layer = _layer("log1p", None)
    x = np.array([[value]], "float32")
    np.testing.assert_allclose(layer(x), np.log1p(x), rtol=1e-6)
    np.testing.assert_allclose(layer.inverse()(np.log1p(x, dtype="float64")), x, rtol=3e-6)


@pytest.mark.parametrize(
    ("method", "data"),
    [("yeo-johnson", NUMBERS), ("yeo-johnson", 50 - NUMBERS), ("yeo-johnson", -NUMBERS), ("box-cox", NUMBERS)],
)
def test_powers_are_those_of_scikit_learn(method: str, data: Any) -> None:
    theirs = PowerTransformer(method, standardize=False).fit(data.astype("float64"))
    layer = _layer("power", method.replace("-", "_"), data)
    np.testing.assert_allclose(layer.exponents, theirs.lambdas_, rtol=1e-3, atol=1e-3)
    raised = layer(data)
    np.testing.assert_allclose(raised, theirs.transform(data.astype("float64")), rtol=5e-3, atol=5e-3)
    np.testing.assert_allclose(layer.inverse()(raised), data, rtol=1e-4)


def test_a_power_of_no_number_is_held_near_the_training_data() -> None:
    far = np.array([[-1e6, -1e6], [1e6, 1e6]], "float32")
    for data in (NUMBERS, -NUMBERS, np.exp(NUMBERS / 20), -np.exp(NUMBERS / 20)):
        found = np.asarray(_layer("power", None, data).inverse()(far))
        assert np.isfinite(found).all()
        assert (found[0] < data.min(axis=0)).all() and (found[1] > data.max(axis=0)).all()


def test_a_constant_feature_stays_as_it_is() -> None:
    layer = _layer("power", None, np.full((9, 1), 7, "float32"))
    np.testing.assert_allclose(layer(np.array([[7], [2]], "float32")), [[7], [2]], rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras 3.15 with NumPy 2 warns whenever it saves
def test_powers_are_saved(tmp_path: Path) -> None:
    layer, x = _layer("power", None), keras.Input((2,))
    model = keras.Model(x, layer.inverse()(layer(x)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(NUMBERS), NUMBERS, rtol=1e-4)


def test_every_layer_that_can_be_undone_is() -> None:
    from dlspec.standalone.units import Units

    options: dict[str, Any] = {"rescaling": {"scale": [0.1, 3], "offset": -2}}
    undoable = [name for (kind, name), owner in CATALOGUE.items() if kind == "layer" and getattr(owner, "undoable", 0)]
    assert {"normalization", "rescaling", "log1p", "power"} <= set(undoable)
    for name in undoable:
        layer = instance(CATALOGUE["layer", name], options.get(name)).make()
        if hasattr(layer, "adapt"):
            layer.adapt(NUMBERS)
        units = Units([layer], (None, 2), "price")
        np.testing.assert_allclose(units.prepare(NUMBERS), layer(NUMBERS), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(units.undo(units.prepare(NUMBERS)), NUMBERS, rtol=1e-4)
