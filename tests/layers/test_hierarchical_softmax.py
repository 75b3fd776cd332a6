"""Hierarchical softmax against the product of decisions on the way to each leaf, by NumPy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.keras_layers import HierarchicalSoftmax
from tests.support import compile_text


def probability(kernel: Any, bias: Any, x: Any, label: int) -> float:
    """The product of the decisions from the leaf of a label up to the root."""
    node, result = len(bias) + label, 1.0
    while node:
        parent = (node - 1) // 2
        second = 1 / (1 + np.exp(-(kernel[parent] @ x + bias[parent])))
        result *= second if node % 2 == 0 else 1 - second
        node = parent
    return result


@pytest.mark.parametrize("classes", [2, 3, 8, 13])
def test_probabilities_and_the_loss(classes: int) -> None:
    random = {"kernel_initializer": "glorot_normal", "bias_initializer": "random_normal"}
    layer = HierarchicalSoftmax(classes, return_loss=True, **random)
    x = np.random.default_rng(0).normal(size=(2 * classes, 5)).astype("float32")
    labels = np.arange(2 * classes) % classes
    probabilities, loss = (values.numpy() for values in layer(x, labels))
    kernel, bias = (np.asarray(values, np.float64) for values in layer.get_weights())
    wanted = np.array([[probability(kernel, bias, row, label) for label in range(classes)] for row in x])
    np.testing.assert_allclose(probabilities, wanted, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(loss, -np.log(wanted[np.arange(2 * classes), labels]), atol=1e-5)
    assert layer(x, labels[:, None])[1].numpy() == pytest.approx(loss)


def test_gradients_are_those_of_softmax_of_the_same_probabilities() -> None:
    """By rows, for the nodes on the way alone."""
    import tensorflow as tf

    layer = HierarchicalSoftmax(11, return_loss=True, kernel_initializer="glorot_normal")
    x, labels = (
        tf.constant(np.random.default_rng(1).normal(size=(6, 4)).astype("float32")),
        tf.constant([0, 3, 9, 9, 1, 10]),
    )
    layer(x, labels)
    variables = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape(persistent=True) as tape:
        probabilities, loss = layer(x, labels)
        direct = -tf.math.log(tf.gather(probabilities, labels, batch_dims=1))
    for by_rows, whole in zip(tape.gradient(loss, variables), tape.gradient(direct, variables), strict=True):
        assert isinstance(by_rows, tf.IndexedSlices) and by_rows.values.shape[0] == 6 * 4
        np.testing.assert_allclose(tf.convert_to_tensor(by_rows), whole, atol=1e-6)


def test_without_return_loss_it_adds_the_mean() -> None:
    layer, x = HierarchicalSoftmax(4, kernel_initializer="zeros"), np.ones((3, 2), "float32")
    assert layer(x, np.array([0, 1, 3])).shape == (3, 4)
    assert float(layer.losses[0]) == pytest.approx(np.log(4), rel=1e-6)


def test_more_labels_than_classes(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,label\n" + "".join(f"{n / 7},{n % 9}\n" for n in range(40)))
    text = """\
    inputs: {a: [1], label: {shape: [1], dtype: int64}}
    layers:
      - hierarchical_softmax: {from: [a, label], classes: 8, return_loss: true, name: [shares, surprise]}
    outputs: shares
    data: {source: {csv: rows.csv}, inputs: {a: a, label: label}}
    train: {minimize: surprise}
    """
    (item,) = compile_text(tmp_path, text).diagnostics.items
    assert item.code == "E617" and "write `classes: 9`" in item.help
