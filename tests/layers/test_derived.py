"""Constants, tensors without gradient, and derivatives of one tensor by another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlspec.backends.keras.build import build_with_tensors, verify
from dlspec.export.python.module import emit_model
from dlspec.keras_layers import Gradient
from tests.support import compile_text

ZERO = tf.UnconnectedGradients.ZERO
CRITIC = """
inputs: {{image: [6], kind: {{shape: [3], dtype: float32}}}}
models:
  Critic: {{inputs: {{image: [6], kind: [3]}}, layers: [{{concatenate: [image, kind]}}, {{dense: {{units: 5, activation: tanh}}}}, {{dense: 1}}]}}
layers:
  - dense: {{units: 6, from: image, name: drawn}}
  - Critic: {{from: [drawn, kind], name: score}}
{steps}
outputs: [{outputs}]
"""  # noqa: E501
PENALTY = """
  - gradient: {from: [score, drawn], name: slope}
  - ops.norm: {axis: 1, from: slope}
  - losses.mse: {y_true: 1, from: prev, name: penalty}
"""


def built(text: str, tmp_path: Path) -> tuple[Any, Any]:
    state = compile_text(tmp_path, text)
    # E417: it stands among the outputs here, so that it can be looked at.
    assert [item for item in state.diagnostics.items if item.code != "E417"] == []
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    names: dict[str, Any] = {}
    exec(emit_model(state), names)
    made = names["build_model"]()
    made.set_weights(model.get_weights())
    return model, made


def test_gradient_penalty_is_that_of_a_tape(tmp_path: Path) -> None:
    model, made = built(CRITIC.format(steps=PENALTY, outputs="drawn, slope, penalty"), tmp_path)
    random = np.random.default_rng(0)
    inputs = [random.normal(size=(4, 6)).astype("float32"), np.eye(3, dtype="float32")[[0, 1, 2, 0]]]
    assert len(model.trainable_variables) == 6, "the critic's weights belong to the model"
    dense, bias, first, first_bias, second, second_bias = model.trainable_variables

    def by_hand() -> tuple[Any, Any]:
        drawn = tf.matmul(inputs[0], dense) + bias
        with tf.GradientTape() as inner:
            inner.watch(drawn)
            hidden = tf.tanh(tf.matmul(tf.concat([drawn, inputs[1]], 1), first) + first_bias)
            score = tf.matmul(hidden, second) + second_bias
        slope = inner.gradient(score, drawn)
        return slope, (tf.norm(slope, axis=1) - 1) ** 2

    with tf.GradientTape() as tape:
        slope, penalty = by_hand()
    wanted = tape.gradient(penalty, [one.value for one in model.trainable_variables], unconnected_gradients=ZERO)
    for other in (model, made):
        np.testing.assert_allclose(other(inputs)["slope"], slope, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(other(inputs)["penalty"], penalty, rtol=1e-5)

        @tf.function(jit_compile=True)
        def derived(other: Any = other) -> Any:
            with tf.GradientTape() as tape:
                loss = other(inputs, training=True)["penalty"]
            return tape.gradient(loss, [one.value for one in other.trainable_variables], unconnected_gradients=ZERO)

        assert np.abs(wanted[2]).max() > 0.01 and np.abs(wanted[5]).max() == 0
        for found, right in zip(derived(), wanted, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6)


BLOCKS = """
  - Critic: {from: [image, kind], name: of}
  - Slope: {from: [image, kind], name: slope}
blocks:
  Slope:
    inputs: [a, b]
    layers:
      - Critic: {from: [a, b], name: s}
      - gradient: [s, a]
"""
MODELS = """
  - Critic: {from: [image, kind], name: of}
  - Sloped: {from: [image, kind], name: slope}
"""
SLOPED = "  Sloped: {inputs: {a: [6], b: [3]}, layers: [{Critic: {from: [a, b], name: s}}, {gradient: [s, a]}]}"


@pytest.mark.parametrize(
    ("steps", "by"),
    [
        ("  - dense: {units: 1, from: drawn, name: of}\n  - gradient: {from: {by: image, of: of}, name: slope}", 0),
        ("  - ops.sum: {axis: 1, from: score, name: of}\n  - gradient: {from: [of, kind], name: slope}", 1),
        (BLOCKS, 0),
        (MODELS, 0),
    ],
    ids=["input", "beside another", "in a block", "in a model"],
)
def test_gradient_by_an_input(steps: str, by: int, tmp_path: Path) -> None:
    text = CRITIC.format(steps=steps, outputs="score, of, slope")
    model, made = built(text.replace("models:\n", f"models:\n{SLOPED}\n") if steps is MODELS else text, tmp_path)
    random = np.random.default_rng(1)
    inputs = [tf.constant(random.normal(size=(2, size)), "float32") for size in (6, 3)]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        found = model(inputs)
    wanted = tape.gradient(found["of"], inputs[by])
    np.testing.assert_allclose(found["slope"], wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(made(inputs)["slope"], wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("steps", "message", "help"),
    [
        ("gradient: [drawn, image]", "gradient is that of one number for each example, but `of` has shape [6]",
         "sum it first: `ops.sum: 1`"),
        ("gradient: [score, other]", "`gradient` derives `score` by `other`, on which it does not depend",
         "one of `drawn`, `image`"),
        ("gradient: [other, score]", "`gradient` derives `other` by `score`, on which it does not depend",
         "one of `image`"),
        ("gradient: [score, score]", "`gradient` derives `score` by `score`, on which it does not depend",
         "one of `drawn`, `image`"),
    ],
)  # fmt: skip
def test_message(steps: str, message: str, help: str, tmp_path: Path) -> None:
    text = f"""
inputs: {{image: [6]}}
layers:
  - dense: {{units: 6, name: drawn}}
  - dense: {{units: 1, name: score}}
  - dense: {{units: 1, from: image, name: other}}
  - {steps}
"""
    found = next(item for item in compile_text(tmp_path, text).diagnostics.items if item.code == "E402")
    assert (found.message, found.help) == (message, help)


def test_turned_round(tmp_path: Path) -> None:
    text = "inputs: {x: [1]}\nlayers: [{dense: {units: 1, name: y}}, {gradient: [x, y]}]"
    found = compile_text(tmp_path, text).diagnostics.items[0]
    assert found.help == "write `gradient: [y, x]`, if that is what you mean"


def test_whole_numbers_have_no_derivative(tmp_path: Path) -> None:
    text = "inputs: {n: {shape: [], dtype: int32}}\nlayers: [{rescaling: {scale: 2, name: y}}, {gradient: [y, n]}]"
    found = compile_text(tmp_path, text).diagnostics.items[0]
    assert (found.code, found.message) == (
        "E409",
        "gradient takes floating-point numbers, but the input has dtype int32",
    )


def test_constants_and_tensors_without_gradient(tmp_path: Path) -> None:
    text = """
params: {most: 4}
inputs: {x: [2]}
layers:
  - constant: {value: [1.5, $most], name: c}
  - constant: {value: 2, name: two}
  - ops.multiply: {from: [x, c], name: y}
  - ops.stop_gradient: {name: still}
  - ops.multiply: {from: [y, still], name: square}
outputs: [square, two, c]
"""
    model, made = built(text, tmp_path)
    x = tf.constant([[1.0, 2], [3, 4]])
    for other in (model, made):
        with tf.GradientTape() as tape:
            tape.watch(x)
            square = other(x)["square"]
        np.testing.assert_allclose(square, [[2.25, 64], [20.25, 256]])
        np.testing.assert_allclose(tape.gradient(square, x), [[2.25, 32], [6.75, 64]])  # half of that of a square
        np.testing.assert_array_equal(other(x)["two"], [2, 2])
        np.testing.assert_array_equal(other(x)["c"], [[1.5, 4], [1.5, 4]])
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x)["c"], model(x)["c"])


def test_ragged_constant(tmp_path: Path) -> None:
    found = compile_text(tmp_path, "inputs: {x: [2]}\nlayers: [constant: [[1], [1, 2]]]").diagnostics.items[0]
    assert (found.code, found.message) == ("E207", "`value` of constant is no tensor: its lists differ in length")


def test_moving_statistics_move_once_though_a_derivative_is_taken() -> None:
    """The mean of a batch counts once, whether or not the model gives what is derived as well."""
    values = np.arange(12, dtype="float32").reshape(4, 3)
    for alone in (False, True):
        x = keras.Input((3,))
        normalized = keras.layers.BatchNormalization(momentum=0.5)
        score = keras.layers.Dense(1)(keras.layers.Dropout(0.5)(normalized(x)))
        slope = Gradient()(score, x)
        model = keras.Model(x, slope if alone else [score, slope])
        model(values)
        np.testing.assert_array_equal(normalized.moving_mean, np.zeros(3))
        model(values, training=True)
        np.testing.assert_allclose(normalized.moving_mean, values.mean(axis=0) / 2, rtol=1e-6)
