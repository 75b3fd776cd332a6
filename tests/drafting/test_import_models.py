"""``dlspec import`` of models that Keras saved: the spec builds the same layers, and computes the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from tests.drafting.imported import assert_same, imported

layers = keras.layers


def branches() -> Any:
    """Two inputs, a shared layer, operations, states, masks, and outputs by name."""
    image = keras.Input((8, 8, 3), name="image")
    words = keras.Input((None,), dtype="int32", name="words")
    shared = layers.Dense(4, name="shared")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="My-conv.1")(image)
    x = layers.GlobalAveragePooling2D()(keras.ops.relu(x * 2.0 + 1.0))
    steps = layers.Embedding(50, 6, mask_zero=True)(words)
    steps, state, _ = layers.LSTM(5, return_sequences=True, return_state=True)(steps)
    both = layers.Bidirectional(layers.GRU(3))(steps)
    read = layers.Dense(4, activation=keras.activations.gelu)(keras.ops.concatenate([both, state], axis=-1))
    joined = layers.Add()([shared(x), shared(read)])
    head = keras.Sequential([keras.Input((2,)), layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.02))])
    outputs = {"kind": head(joined[:, 0:2]), "odds": layers.Dense(1, activation="sigmoid")(joined)}
    model = keras.Model([image, words], outputs)
    model.compile(
        keras.optimizers.AdamW(3e-4, weight_decay=0.01, clipnorm=1.0),
        loss={"kind": "mse", "odds": keras.losses.BinaryCrossentropy(label_smoothing=0.1)},
        metrics={"odds": ["accuracy"]},
    )
    return model


def attention() -> Any:
    """Arguments by name, a call's options, two nested models of which one is called twice."""
    x = keras.Input((6, 8))
    y = keras.Input((4, 8))
    inner_in = keras.Input((6, 8))
    inner = keras.Model(inner_in, layers.LayerNormalization()(layers.Dense(8)(inner_in) + inner_in), name="inner")
    z = layers.MultiHeadAttention(2, 4)(inner(x), y)
    z = inner(layers.MultiHeadAttention(2, 4, use_bias=False)(query=z, value=z, key=x, use_causal_mask=True))
    z = layers.Attention()([z, y], use_causal_mask=True)
    z = keras.ops.einsum("btd,bsd->bts", z, x)[:, -1]
    return keras.Model([x, y], z / 3.0)


def chain() -> Any:
    """A sequential model without an input layer, built by its first batch."""
    model = keras.Sequential(
        [
            layers.Conv1D(4, 3, strides=1, dilation_rate=2, padding="causal"),
            layers.BatchNormalization(axis=2, momentum=0.9),
            layers.LeakyReLU(negative_slope=0.1),
            layers.MaxPooling1D(pool_size=2, strides=2),
            layers.Flatten(),
            layers.Dense(3, "softmax", kernel_initializer=keras.initializers.HeNormal(seed=3), trainable=False),
        ]
    )
    model.build((None, 12, 2))
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy", keras.metrics.BinaryAccuracy(threshold=0.3)],
    )
    return model


@pytest.mark.parametrize("form", [".keras", ".h5", ".json"])
def test_branches_come_back(form: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model = branches()
    draft, again = imported(model, tmp_path, form)
    assert_same(model, again)
    assert "outputs: [kind, odds]" in draft.text and "name: my_conv_1" in draft.text
    loss = "{kind: mean_squared_error, odds: {binary_crossentropy: {label_smoothing: 0.1}}}"
    assert f"  loss: {loss}\n" in draft.text and "  metrics: {odds: [accuracy]}\n" in draft.text
    optimizer = "  optimizer: {adam_w: {learning_rate: 0.0003, weight_decay: 0.01, clipnorm: 1.0}}\n"
    assert optimizer in draft.text
    assert draft.remarks == []


@pytest.mark.parametrize("model", [attention, chain], ids=lambda model: model.__name__)
def test_models_come_back(model: Any, tmp_path: Path) -> None:
    keras.utils.set_random_seed(2)
    one = model()
    _, again = imported(one, tmp_path)
    assert_same(one, again, 1e-6)


def test_defaults_are_left_out(tmp_path: Path) -> None:
    draft, _ = imported(chain(), tmp_path)
    assert draft.text.split("\n")[2:] == [
        "inputs: {x: [12, 2]}",
        "layers:",
        "  - conv1d: {filters: 4, kernel_size: 3, padding: causal, dilation_rate: 2}",
        "  - batch_normalization: {momentum: 0.9}",
        "  - leaky_re_lu: 0.1",
        "  - max_pooling1d",
        "  - flatten",
        "  - dense: {units: 3, activation: softmax, kernel_initializer: {he_normal: {seed: 3}}, trainable: false}",
        "expect: {parameters: 119, output: [3]}",
        "train:",
        "  loss: sparse_categorical_crossentropy",
        "  optimizer: sgd",
        "  metrics: [accuracy, {binary_accuracy: 0.3}]",
        "",
    ]
