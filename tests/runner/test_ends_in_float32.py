"""What 16 bits would spoil is computed in float32: what prepares numbers, and the last probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import dlspec.keras_layers
from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import ENDS_IN_FLOAT32
from dlspec.components.registry import declared, load_attribute
from dlspec.training.loop.compiling import precision

POLICIES = ("mixed_float16", "mixed_bfloat16")
X = np.array([[70_000.0, 1.0], [90_000.0, 2.0], [1e6, 3.0]], "float32")
RIGHT = (X - X.mean(axis=0)) / X.std(axis=0)


def in_run(policy: str, build: Any) -> Any:
    """A model made as a run makes it."""
    with precision(policy):
        model = build()
        load_attribute(ENDS_IN_FLOAT32)(model)
    return model


def reloaded(model: Any, folder: Path) -> Any:
    """The model after it was saved and loaded."""
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras", compile=False)


def measured() -> Any:
    return keras.layers.Normalization(name="normalization")


def given() -> Any:
    mean, variance = X.mean(axis=0).tolist(), X.var(axis=0).tolist()
    return keras.layers.Normalization(mean=mean, variance=variance, name="normalization")


@pytest.mark.parametrize("make", [measured, given])
@pytest.mark.parametrize("policy", POLICIES)
def test_normalization_of_large_numbers(policy: str, make: Any, tmp_path: Path) -> None:
    def build() -> Any:
        parts = [keras.Input((1,)), keras.Input((1,))]
        joined = keras.layers.Concatenate()(parts)
        return keras.Model(parts, make()(keras.ops.add(keras.layers.Identity()(joined), 0.0)))

    model = in_run(policy, build)
    if make is measured:
        model.get_layer("normalization").adapt(X)
    for one in (model, reloaded(model, tmp_path)):
        np.testing.assert_allclose(np.array(one([X[:, :1], X[:, 1:]])), RIGHT, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_rescaling_and_bins_of_large_numbers(policy: str, nested: bool, tmp_path: Path) -> None:
    def build() -> Any:
        x = keras.Input((2,))
        scaled = keras.layers.Rescaling(1e-6)(keras.layers.Flatten()(x))
        bins = keras.layers.Discretization(bin_boundaries=[70_001.0, 90_001.0], output_mode="one_hot")(x[:, :1])
        model = keras.Model(x, [scaled, bins])
        if not nested:
            return model
        outer = keras.Input((1, 2))
        return keras.Model(outer, model(keras.layers.Reshape((2,))(outer)))

    model = in_run(policy, build)
    for one in (model, reloaded(model, tmp_path)):
        scaled, bins = one(X[:, None] if nested else X)
        np.testing.assert_allclose(np.array(scaled), X * np.float32(1e-6), rtol=1e-6)
        np.testing.assert_array_equal(np.array(bins), np.eye(3))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_model_keeps_its_precision_in_the_middle(policy: str) -> None:
    def build() -> Any:
        x = keras.Input((2,))
        y = keras.layers.Dense(3, name="first")(x)
        y = keras.layers.Rescaling(0.5, name="scaled")(keras.layers.ReLU(name="positive")(y))
        return keras.Model(x, keras.layers.Dense(1, name="last")(y))

    model = in_run(policy, build)
    assert {layer.compute_dtype for layer in model.layers[1:]} == {policy.removeprefix("mixed_")}


@pytest.mark.parametrize("function", [keras.ops.softmax, keras.ops.sigmoid])
@pytest.mark.parametrize("policy", POLICIES)
def test_probabilities_of_an_operation(policy: str, function: Any, tmp_path: Path) -> None:
    """Differences to numpy are those of the weights and inputs in 32 bits, not of the answer in 16."""

    def build() -> Any:
        x = keras.Input((1,))
        kernel = keras.initializers.Constant([[6.0, -6.0]])
        y = keras.layers.Dense(2, name="hidden", kernel_initializer=kernel)(x)
        z = keras.layers.Dense(2, name="other", kernel_initializer=kernel)(x)
        return keras.Model(x, keras.ops.reshape(function(keras.ops.add(y, z)), (-1, 2)))

    model = in_run(policy, build)
    scores = np.array([[12.0, -12.0]])
    odds = np.exp(scores)
    right = odds / odds.sum() if function is keras.ops.softmax else odds / (1 + odds)
    for one in (model, reloaded(model, tmp_path)):
        np.testing.assert_allclose(np.array(one(np.ones((1, 1), "float32"))), right, rtol=1e-5)


def test_what_moves_elements_is_looked_through_here_as_in_check() -> None:
    """Declarations say so to `check`; the file that projects carry knows none, and lists Keras's classes."""
    function = load_attribute(ENDS_IN_FLOAT32)
    listed = {name.lower() for name in (*function.__globals__["MOVES"], "Reshape", "Flatten", "Permute", "Dropout")}
    layers = [owner for owner in declared() if issubclass(owner, Layer)]
    moving = {owner.registered_name.removeprefix("ops.").replace("_", "") for owner in layers if owner.moves}
    assert moving == listed
    applied = {owner.registered_name for owner in layers if owner.applies}
    ours = {name for name, each in vars(dlspec.keras_layers).items() if hasattr(each, "gives_probabilities")}
    assert applied == {"softmax", "ops.softmax", "ops.sigmoid", *(name.lower() for name in ours)}
    assert ours == {"Ordinal"}
    assert {word.lower() for word in function.__globals__["PROBABILITIES"]} == {"softmax", "sigmoid"}
