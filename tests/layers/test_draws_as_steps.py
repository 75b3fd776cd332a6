"""Steps that draw: their distributions, what gradients pass, and that use repeats itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from both import CATALOGUE, instance
from scipy import stats

N = 4000


def made(name: str, **options: Any) -> Any:
    return instance(CATALOGUE["layer", f"random.{name}"], options or None).make()


def test_normal() -> None:
    mean, stddev = np.full((N, 2), 3.0, "float32"), np.full((N, 2), 0.5, "float32")
    drawn = made("normal", seed=1)(mean, stddev, training=True)
    assert stats.kstest(np.ravel(drawn), stats.norm(3, 0.5).cdf).pvalue > 1e-3


def test_bernoulli() -> None:
    shares = np.tile(np.array([0.1, 0.7], "float32"), (N, 1))
    drawn = np.asarray(made("bernoulli", seed=1)(shares, training=True))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    for column, share in zip(drawn.T, (0.1, 0.7), strict=True):
        assert stats.binomtest(int(column.sum()), N, share).pvalue > 1e-3


@pytest.mark.parametrize("name", ["categorical", "gumbel"])
def test_classes(name: str) -> None:
    shares = np.array([0.1, 0.2, 0.7])
    drawn = np.asarray(made(name, seed=1)(np.tile(np.log(shares).astype("float32"), (N, 1)), training=True))
    classes = drawn if name == "categorical" else drawn.argmax(axis=-1)
    assert stats.chisquare(np.bincount(classes), shares * N).pvalue > 1e-3


@pytest.mark.parametrize("name", ["normal", "bernoulli", "categorical", "gumbel"])
def test_training_draws_anew_and_use_repeats_itself(name: str) -> None:
    layer, x = made(name, seed=2), np.random.default_rng(0).random((50, 8)).astype("float32")
    given = (x, x) if name == "normal" else (x,)
    training = [np.asarray(layer(*given, training=True)) for _ in range(2)]
    used = [np.asarray(layer(*given, training=False)) for _ in range(2)]
    assert (training[0] != training[1]).any() and (training[0] != used[0]).any()
    np.testing.assert_array_equal(*used)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(np.asarray(again(*given, training=True)), training[0])


def test_gradients() -> None:
    x = tf.Variable(np.random.default_rng(0).random((5, 4)), dtype="float32")
    for name, passes in (("normal", True), ("gumbel", True), ("bernoulli", False)):
        given = (x, x) if name == "normal" else (x,)
        with tf.GradientTape() as tape:
            total = keras.ops.sum(made(name, seed=1)(*given, training=True))
        assert (tape.gradient(total, x) is not None) == passes
