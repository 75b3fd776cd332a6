"""Classes in an order: probabilities of the layer, what a fit finds, and metrics, against formulas and others."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from both import CATALOGUE, instance
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.metrics import cohen_kappa_score


def made(kind: str, name: str, options: Any) -> Any:
    return instance(CATALOGUE[kind, name], options).make()


def odds(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(x, "float64")))


def test_formula_and_start() -> None:
    layer = made("layer", "ordinal", {"classes": 4})
    scores = np.array([[0.0], [1.5], [-2.0]], "float32")
    np.testing.assert_allclose(np.array(layer(scores))[0], np.full(4, 0.25), atol=1e-6)
    layer.set_weights([np.array([-1.0]), np.log(np.expm1([0.5, 2.0]))])
    below = odds(np.array([-1.0, -0.5, 1.5]) - scores)
    expected = np.diff(below, axis=1, prepend=0, append=1)
    np.testing.assert_allclose(np.array(layer(scores)), expected, atol=1e-6)


def test_far_out_on_either_side_nothing_is_lost() -> None:
    layer = made("layer", "ordinal", {"classes": 3})
    for score in (-60.0, -20.0, 20.0, 60.0):
        answer = np.array(layer(np.array([[score]], "float32")))[0]
        expected = np.exp(-abs(score)) * (np.exp(np.log(2)) - np.exp(-np.log(2)))
        assert answer[1] == pytest.approx(expected, rel=1e-3) and answer.sum() == pytest.approx(1)


def test_training_finds_the_most_likely_proportional_odds() -> None:
    x, progress = load_diabetes(return_X_y=True)
    x, stage = (21 * x[:, :4]).astype("float32"), np.digitize(progress, [90, 140, 200])

    def loss(numbers: Any) -> Any:
        thresholds = np.cumsum([numbers[4], *np.exp(numbers[5:])])
        below = odds(thresholds - (x @ numbers[:4])[:, None])
        shares = np.diff(below, axis=1, prepend=0, append=1)
        return -np.log(shares[np.arange(len(x)), stage]).mean()

    best = minimize(loss, np.zeros(7), method="BFGS")
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(1, use_bias=False), made("layer", "ordinal", {"classes": 4})]
    )
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    model.fit(x, stage, batch_size=len(x), epochs=150, verbose=0)
    assert model.evaluate(x, stage, batch_size=len(x), verbose=0) == pytest.approx(best.fun, abs=1e-3)
    np.testing.assert_allclose(np.array(model.layers[0].kernel)[:, 0], best.x[:4], atol=0.02)


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn(weights: str) -> None:
    random = np.random.default_rng(0)
    right, scores = random.integers(0, 5, 300), random.random((300, 5)).astype("float32")
    scores[np.arange(300), right] += 0.4
    examples = random.random(300).astype("float32")
    metric = made("metric", "cohen_kappa", {"weights": weights})
    for part in (slice(120), slice(120, 300)):
        metric.update_state(right[part], scores[part], sample_weight=examples[part])
    how = None if weights == "none" else weights
    expected = cohen_kappa_score(right, scores.argmax(axis=1), weights=how, sample_weight=examples)
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)
    metric.reset_state()
    metric.update_state(np.zeros(4, int), np.eye(5, dtype="float32")[[0, 0, 0, 0]])
    assert float(metric.result()) == 0


def test_rank_error_is_the_mean_distance() -> None:
    metric = made("metric", "rank_error", {})
    metric.update_state(np.array([0, 2, 4]), np.eye(5, dtype="float32")[[3, 2, 0]], np.array([1.0, 1.0, 2.0]))
    assert float(metric.result()) == pytest.approx((3 + 0 + 2 * 4) / 4)
