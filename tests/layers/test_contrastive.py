"""Losses that Keras lacks, against the formulas of their papers, written out with numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from both import component

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(3)
A, B = RANDOM.normal(size=(6, 4)), RANDOM.normal(size=(6, 4))
LABELS = np.array([0, 1, 0, 2, 1, 0])  # the class 2 has one example


def unit(codes: Array) -> Array:
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def nt_xent(a: Array, b: Array, t: float) -> Array:
    codes = np.concatenate([unit(a), unit(b)])
    found = np.zeros(12)
    for i in range(12):
        weights = [np.exp(codes[i] @ codes[k] / t) for k in range(12)]
        found[i] = -np.log(weights[(i + 6) % 12] / (sum(weights) - weights[i]))
    return (found[:6] + found[6:]) / 2


def info_nce(a: Array, b: Array, t: float) -> Array:
    weights = np.exp(unit(a) @ unit(b).T / t)
    own = np.diag(weights)
    return -(np.log(own / weights.sum(axis=1)) + np.log(own / weights.sum(axis=0))) / 2


def barlow_twins(a: Array, b: Array, w: float) -> Array:
    first, second = ((one - one.mean(axis=0)) / one.std(axis=0) for one in (a, b))
    c = first.T @ second / 6
    return np.full(6, sum((1 - c[i, i]) ** 2 if i == j else w * c[i, j] ** 2 for i in range(4) for j in range(4)))


def supervised_contrastive(labels: Array, codes: Array, t: float) -> Array:
    codes, found = unit(codes), np.zeros(6)
    for i in range(6):
        alike = [p for p in range(6) if p != i and labels[p] == labels[i]]
        total = sum(np.exp(codes[i] @ codes[k] / t) for k in range(6) if k != i)
        found[i] = np.mean([-np.log(np.exp(codes[i] @ codes[p] / t) / total) for p in alike]) if alike else 0
    return found


def batch_triplet(labels: Array, codes: Array, m: float) -> Array:
    found = np.zeros(6)
    for i in range(6):
        far = [np.linalg.norm(codes[i] - codes[p]) for p in range(6) if p != i and labels[p] == labels[i]]
        near = [np.linalg.norm(codes[i] - codes[n]) for n in range(6) if labels[n] != labels[i]]
        found[i] = max(0, m + max(far) - min(near)) if far else 0
    return found


def weston_watkins(labels: Array, scores: Array, m: float) -> Array:
    return np.array([sum(max(0, m + f[j] - f[y]) for j in range(4) if j != y) for y, f in zip(labels, scores)])  # noqa: B905


def perceptron(labels: Array, scores: Array, _: float) -> Array:
    signs = 2 * labels - 1
    return np.maximum(0, -signs * scores).mean(axis=-1)


def widrow_hoff(labels: Array, scores: Array, _: float) -> Array:
    return ((2 * labels - 1 - scores) ** 2 / 2).mean(axis=-1)


def dice_crossentropy(target: Array, p: Array, s: float) -> Array:
    each = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean(axis=(1, 2))
    return each + 1 - (2 * (p * target).sum(axis=(1, 2)) + s) / (p.sum(axis=(1, 2)) + target.sum(axis=(1, 2)) + s)


def center(labels: Array, codes: Array, _: float) -> Array:
    means = [codes[labels == label].mean(axis=0) for label in labels]
    return np.array([((code - mean) ** 2).sum() / 2 for code, mean in zip(codes, means, strict=True)])


def ssim(a: Array, b: Array, size: float) -> Array:
    steps = np.arange(size) - (size - 1) / 2
    window = np.exp(-0.5 * (steps / 1.5) ** 2)
    window = np.outer(window, window) / window.sum() ** 2
    lost = []
    for x, y in zip(a, b, strict=True):
        places = []
        for row, column in np.ndindex(x.shape[0] - len(steps) + 1, x.shape[1] - len(steps) + 1):
            first, second = (one[row : row + len(steps), column : column + len(steps)] for one in (x, y))
            m, n = ((window[..., None] * one).sum(axis=(0, 1)) for one in (first, second))
            v, w = ((window[..., None] * one**2).sum(axis=(0, 1)) - mean**2 for one, mean in ((first, m), (second, n)))
            covariance = (window[..., None] * first * second).sum(axis=(0, 1)) - m * n
            luminance = (2 * m * n + 1e-4) / (m**2 + n**2 + 1e-4)
            places.append(luminance * (2 * covariance + 9e-4) / (v + w + 9e-4))
        lost.append(1 - np.mean(places))
    return np.array(lost)


PICTURES = RANDOM.uniform(0, 1, (2, 6, 9, 8, 2))
SIDES = RANDOM.integers(0, 2, (6, 4)).astype(float)
MASK, SHARES = RANDOM.integers(0, 2, (6, 3, 4)).astype(float), RANDOM.uniform(0.1, 0.9, (6, 3, 4))
CASES: list[tuple[str, dict[str, Any], Callable[..., Array], Array, Array, float]] = [
    ("nt_xent", {}, nt_xent, A, B, 0.5),
    ("nt_xent", {"temperature": 0.2}, nt_xent, A, B, 0.2),
    ("info_nce", {}, info_nce, A, B, 0.1),
    ("barlow_twins", {"redundancy": 0.1}, barlow_twins, A, B, 0.1),
    ("supervised_contrastive", {"temperature": 0.3}, supervised_contrastive, LABELS, A, 0.3),
    ("batch_triplet", {"margin": 0.7}, batch_triplet, LABELS, A, 0.7),
    ("weston_watkins", {}, weston_watkins, LABELS, A, 1),
    ("perceptron", {}, perceptron, SIDES, A, 0),
    ("widrow_hoff", {}, widrow_hoff, SIDES, A, 0),
    ("dice_crossentropy", {}, dice_crossentropy, MASK, SHARES, 1),
    ("center", {}, center, LABELS, A, 0),
    ("ssim", {"filter_size": 5}, ssim, *PICTURES, 5),
    ("ssim", {"filter_size": 8}, ssim, PICTURES[0], PICTURES[0] * 0.5, 8),
]


@pytest.mark.parametrize(
    ("name", "options", "formula", "left", "right", "value"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES]
)
def test_values(
    name: str, options: dict[str, Any], formula: Callable[..., Array], left: Array, right: Array, value: float
) -> None:
    expected = formula(left, right, value)
    step = component("layer", {f"losses.{name}": options}).make()
    found = np.asarray(step([keras.ops.convert_to_tensor(left), keras.ops.convert_to_tensor(right, "float32")]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    loss = component("loss", {name: options}).make()
    mean = loss(keras.ops.convert_to_tensor(left), keras.ops.convert_to_tensor(right, "float32"))
    np.testing.assert_allclose(mean, expected.mean(), rtol=1e-4)
    again = type(loss).from_config(loss.get_config())
    np.testing.assert_array_equal(again(left, right), loss(left, right))


@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_triplets(margin: float) -> None:
    third = RANDOM.normal(size=(6, 4))
    step = component("layer", {"losses.triplet": {"margin": margin}}).make()
    distances = [np.linalg.norm(A - other, axis=1) for other in (B, third)]
    expected = np.maximum(0, margin + distances[0] - distances[1])
    codes = [keras.ops.convert_to_tensor(code, "float32") for code in (A, B, third)]
    np.testing.assert_allclose(step(*codes), expected, rtol=1e-5, atol=1e-6)
    assert type(step).from_config(step.get_config()).margin == margin


def test_similarity_is_that_of_tensorflow() -> None:
    import tensorflow as tf

    a, b = (tf.constant(RANDOM.uniform(0, 255, (3, 16, 20, 3)), tf.float32) for _ in range(2))
    loss = component("loss", {"ssim": {"max_val": 255}}).make()
    np.testing.assert_allclose(loss.call(a, b), 1 - tf.image.ssim(a, b, 255), rtol=1e-4)


def test_dice_takes_scores() -> None:
    loss = component("loss", {"dice_crossentropy": {"from_logits": True}}).make()
    scores = np.log(SHARES / (1 - SHARES))
    np.testing.assert_allclose(loss(MASK, scores), dice_crossentropy(MASK, SHARES, 1).mean(), rtol=1e-5)


def test_gradients_are_finite_where_codes_are_equal() -> None:
    import tensorflow as tf

    for name in ("nt_xent", "info_nce", "barlow_twins", "supervised_contrastive", "batch_triplet", "center"):
        loss = component("loss", name).make()
        codes = tf.Variable(tf.ones((6, 4)))
        with tf.GradientTape() as tape:
            first = codes if name in ("nt_xent", "info_nce", "barlow_twins") else tf.constant(LABELS)
            value = loss(first, codes)
        assert np.isfinite(tf.convert_to_tensor(tape.gradient(value, codes))).all(), name
