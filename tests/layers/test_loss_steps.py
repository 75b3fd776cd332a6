"""Losses as steps: each declared loss is one, with Keras's own values, built, saved and written as Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from both import CATALOGUE, STEPS, instance, of_example

from dlspec.backends.keras.build import build_with_tensors, verify
from dlspec.components.ops.losses import LossStep
from dlspec.components.registry import Component, declared
from dlspec.core.ir import Tensor
from dlspec.export.python.module import emit_model
from tests.support import compile_text, read_value

HOWS = ("mean", "sum", "none")
USES = [(owner, one, HOWS if one is owner.examples[0] else ("none",)) for owner in STEPS for one in owner.examples]


def numbers(owner: type[LossStep], shapes: tuple[Any, ...]) -> list[np.ndarray[Any, Any]]:
    """What both sides may hold: probabilities, class numbers, one-hot rows."""
    random = np.random.default_rng(1)
    left, right = ((3, *shape) for shape in shapes)
    target: Any = random.integers(0, 2, left)
    if owner.loss.targets == "one_hot":
        target = np.eye(left[-1])[random.integers(0, left[-1], left[:-1])]
    if owner.loss.targets == "values":
        target = random.uniform(0.1, 2, left)
    if owner.loss.aligns:
        target = random.integers(1, 4, left)
    output = random.uniform(0.05, 0.95, right)
    return [target.astype("float32"), output.astype("float32")]


def by_keras(step: LossStep, target: Any, output: Any) -> Any:
    """One number for each example, by the loss of Keras alone; all examples at once, as some compare them."""
    if output.ndim == 1:
        target, output = target[:, None], output[:, None]
    values = np.asarray(step.compares.make().call(keras.ops.convert_to_tensor(target), keras.ops.array(output)))
    values = np.broadcast_to(values, (3,)) if values.ndim == 0 else values
    flat = values.reshape(3, -1)
    return {"none": values, "mean": flat.mean(axis=1), "sum": flat.sum(axis=1)}[step.reduction]


def one_of_each() -> str:
    """A spec with every example of every step, with each reduction."""
    inputs: dict[str, Any] = {}
    steps: list[Any] = []
    for number, (owner, example, hows) in enumerate(USES):
        inputs |= {f"a{number}": list(example.inputs[0]), f"b{number}": list(example.inputs[1])}
        sides = {"y_pred": f"b{number}", "y_true": f"a{number}"}
        for how in hows:
            options = dict(read_value(example.value) or {}) | {"reduction": how, "from": sides}
            steps.append({owner.registered_name: options | {"name": f"{how}{number}"}})
    names = [f"{how}{number}" for number, (_, _, hows) in enumerate(USES) for how in hows]
    return json.dumps({"inputs": inputs, "layers": steps, "outputs": names})


def test_each_declared_loss_is_a_step() -> None:
    losses = {owner.registered_name for owner in declared() if owner.kind == "loss" and owner.keras}
    assert {owner.loss.registered_name for owner in STEPS} == losses
    assert len(losses) >= 23
    for owner in STEPS:
        for alias in owner.loss.aliases:
            assert CATALOGUE["layer", f"losses.{alias}"] is owner


def test_values(tmp_path: Path) -> None:
    state = compile_text(tmp_path, one_of_each())
    # E417: losses over the batch stand among the outputs here, so that they can be looked at.
    assert [item for item in state.diagnostics.items if item.code not in ("W405", "E417")] == []
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    assert all(node.flops for node in state.graph.nodes if node.layer is not None)
    values = [value for owner, example, _ in USES for value in numbers(owner, example.inputs)]
    found = {name: np.asarray(value) for name, value in model(values).items()}
    shapes = {name: state.graph.tensor(edge).shape for name, edge in state.graph.outputs}
    assert {name: value.shape[1:] for name, value in found.items()} == shapes
    for number, (owner, example, hows) in enumerate(USES):
        step, _ = of_example(owner, example)
        for how in hows:
            expected = by_keras(owner(**step.given, reduction=how), *values[2 * number : 2 * number + 2])
            np.testing.assert_allclose(found[f"{how}{number}"], expected, rtol=2e-5, atol=1e-6, err_msg=owner.__name__)

    model.save(tmp_path / "model.keras")
    names: dict[str, Any] = {}
    exec(emit_model(state), names)
    for other in (keras.models.load_model(tmp_path / "model.keras"), names["build_model"]()):
        for name, value in other(values).items():
            np.testing.assert_allclose(value, found[name], rtol=1e-6, err_msg=name)


def test_masked_positions_do_not_count(tmp_path: Path) -> None:
    text = """
inputs: {words: {shape: [4], dtype: int32}, want: [4, 1]}
layers:
  - embedding: {input_dim: 9, output_dim: 3, mask_zero: true, from: words}
  - dense: {units: 1, name: told}
  - losses.mse: {from: [want, told], name: mean}
  - losses.mse: {from: [want, told], reduction: sum, name: sum}
  - losses.mse: {from: [want, told], reduction: none, name: each}
  - losses.mse: {y_true: 0.5, from: told, name: half}
outputs: [told, mean, sum, each, half]
"""
    state = compile_text(tmp_path, text)
    assert state.diagnostics.items == []
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    assert [node.outputs[0].masked for node in state.graph.nodes[-4:]] == [False, False, True, False]
    words, want = np.array([[3, 1, 0, 0], [2, 2, 5, 0], [0, 0, 0, 0]]), np.ones((3, 4, 1), "float32")
    found = {name: np.asarray(value) for name, value in model([words, want]).items()}
    errors = (found["told"][..., 0] - 1) ** 2
    np.testing.assert_allclose(found["sum"], [errors[0, :2].sum(), errors[1, :3].sum(), 0], rtol=1e-6)
    np.testing.assert_allclose(found["mean"], [errors[0, :2].mean(), errors[1, :3].mean(), 0], rtol=1e-6)
    np.testing.assert_allclose(found["each"], errors, rtol=1e-6)
    halves = (found["told"][..., 0] - 0.5) ** 2
    np.testing.assert_allclose(found["half"], [halves[0, :2].mean(), halves[1, :3].mean(), 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("step", "value"),
    [
        ("losses.binary_crossentropy: {y_true: 1, from: x, from_logits: true}", np.log1p(np.exp(-0.5))),
        ("losses.binary_crossentropy: {y_true: 0, from: x, from_logits: true}", np.log1p(np.exp(0.5))),
        ("losses.mse: {y_pred: [1, 2.5], from: x}", (0.25 + 4) / 2),
        ("losses.mse: {y_pred: [1, $(1 + 1.5)], from: x}", (0.25 + 4) / 2),
    ],
)
def test_constants(step: str, value: float, tmp_path: Path) -> None:
    state = compile_text(tmp_path, f"inputs: {{x: [2]}}\nlayers: [{step}]")
    assert state.diagnostics.items == []
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    x = np.full((3, 2), 0.5, "float32")
    np.testing.assert_allclose(model(x), np.full(3, value), rtol=1e-6)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))
    names: dict[str, Any] = {}
    exec(emit_model(state), names)
    np.testing.assert_array_equal(names["build_model"]()(x), model(x))


@pytest.mark.parametrize(("shapes", "want"), [(((), ()), 0.25), (((1,), ()), 0.25), (((), (1,)), 0.25)])
def test_single_numbers_are_never_averaged_over_the_batch(shapes: Any, want: float, tmp_path: Path) -> None:
    a, b = (list(shape) for shape in shapes)
    state = compile_text(tmp_path, f"inputs: {{a: {a}, b: {b}}}\nlayers: [losses.mse: [a, b]]")
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    values = [np.zeros((2, *shapes[0])), np.array([0.5, 2]).reshape((2, *shapes[1]))]
    np.testing.assert_allclose(model(values), [want, 4])


def test_gradients_pass_to_both_sides() -> None:
    import tensorflow as tf

    step = instance(CATALOGUE["layer", "losses.mean_squared_error"], None).make()
    target, output = tf.constant([[1.0, 2.0]]), tf.constant([[0.0, 4.0]])
    with tf.GradientTape() as tape:
        tape.watch([target, output])
        error = step([target, output])
    first, second = tape.gradient(error, [target, output])
    np.testing.assert_allclose(first, [[1, -2]])
    np.testing.assert_allclose(second, [[-1, 2]])


@pytest.mark.parametrize(
    ("step", "code", "message"),
    [
        ("losses.mse: [x, y]", "E402",
         "mean_squared_error needs a target of the output's shape [3], but the target has shape [2]"),
        ("losses.mse: {y_true: 1, y_pred: 2, from: x}", "E405",
         "losses.mean_squared_error has only constants: it compares at least one tensor of the graph"),
        ("losses.mse: {y_true: [[1], [1, 2]], from: x}", "E207", "`y_true` of losses.mean_squared_error is no tensor: "
         "its lists differ in length"),
        ("losses.mse: [x, n]", "E409",
         "losses.mean_squared_error takes floating-point numbers, but the input has dtype int32"),
        ("losses.sparse_categorical_crossentropy: {y_true: 1, from: y}", "E202",
         "unknown option of losses.sparse_categorical_crossentropy `y_true`"),
        ("losses.mse: x", "E405", "losses.mean_squared_error takes 2 inputs (y_true, y_pred), but gets 1"),
        ("losses.mse: {from: {y_true: x, other: x}}", "E405", "losses.mean_squared_error has no input `other`"),
        ("losses.dice: {axis: [0, 1], from: [x, x]}", "E402",
         "dice has `axis: [0, 1]`: the batch among others leaves no example"),
        ("losses.binary_focal_crossentropy: {alpha: 0.3, from: [x, x]}", "E207",
         "`alpha` has no effect without `apply_class_balancing`"),
    ],
)  # fmt: skip
def test_message(step: str, code: str, message: str, tmp_path: Path) -> None:
    state = compile_text(tmp_path, f"inputs: {{x: [2], y: [3], n: {{shape: [2], dtype: int32}}}}\nlayers: [{step}]")
    found = next(item for item in state.diagnostics.items if item.code != "E414")
    assert (found.code, found.message) == (code, message)


def test_which_compare_the_examples_of_a_batch() -> None:
    over = {owner.registered_name for owner in STEPS if of_example(owner, owner.examples[0])[0].over_batch}
    contrastive = ("nt_xent", "info_nce", "barlow_twins", "supervised_contrastive", "batch_triplet", "center")
    assert over == {f"losses.{name}" for name in ("circle", "dice", "tversky", *contrastive)}
    dice: Any = instance(CATALOGUE["layer", "losses.dice"], {"axis": [1, 2]})
    assert not dice.over_batch and not dice.only_in_training
    assert dice.infer(Tensor((8, 8, 1)), Tensor((8, 8, 1))) == Tensor(())


def test_documentation() -> None:
    for owner in STEPS:
        assert all(field.doc for field in owner.fields.values())
        assert isinstance(owner, type) and issubclass(owner, Component)
