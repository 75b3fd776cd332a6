"""Models that are moving averages: they follow each step of what they average, and nothing else moves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.backends.keras.build import build
from dlspec.backends.keras.seeding import set_seed
from dlspec.export.python.module import emit_model, structured
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.training.loop.compiling import trainer
from dlspec.training.loop.steps import Steps
from tests.emit.equality import compare

MODELS = """
name: averages
inputs: {x: [5]}
models:
  Inner: {inputs: {e: [5]}, layers: [dense: 5]}
  Student:
    inputs: {e: [5]}
    layers: [Inner, batch_normalization: {momentum: 0.5}, dropout: 0.3, dense: 3]
  Slow: {average_of: Teacher, momentum: $slow}
  Teacher: {average_of: Student, momentum: 3 / 4}
params: {slow: 0.5}
layers:
  - Slow: {from: x, name: slow}
  - Teacher: {from: x, name: goal}
  - Student: {from: x, name: answer}
"""
LEARNERS = """
  - dense: {units: 3, name: guess}
  - losses.mse: {from: [goal, guess], name: error}
outputs: [answer, slow]
train:
  seed: 3
  learners:
    student: {trains: [Student, guess], minimize: error, optimizer: {sgd: 0.1}, every: EVERY}
    guess: {trains: guess, minimize: error, optimizer: {sgd: 0.1}}
"""
PLAIN = """
outputs: [answer, goal, slow]
train:
  seed: 3
  optimizer: {sgd: {learning_rate: 0.1, gradient_accumulation_steps: 2}}
  loss: {answer: mse, goal: mse}
"""


def checked(text: str, folder: Path) -> Checked:
    path = folder / "spec.yaml"
    path.write_text(MODELS + text)
    state = compile_spec(path)
    assert isinstance(state, Checked) and not state.diagnostics.errors, state.diagnostics.errors
    return state


def trained(state: Checked, count: int, *, jit: bool = False) -> tuple[Any, list[dict[str, Any]]]:
    """The graph, and the weights of each model before each step and after the last."""
    import tensorflow as tf

    set_seed(3)
    whole = build(state.training_graph)
    method: Any = state.method
    method = method.changed(jit=jit)
    outputs = [name for name, _ in state.graph.outputs]
    model = trainer(whole, method, list(method.optimizers) if method.turns else method.optimizers[0], outputs)
    x, y = np.random.default_rng(0).normal(size=(4 * count, 5)).astype("float32"), np.zeros((4 * count, 3), "float32")
    compared = method.trained(outputs)
    targets = dict.fromkeys(compared, y) if len(compared) > 1 else {}
    feed = tf.data.Dataset.from_tensor_slices((x, targets)).batch(4)
    steps, batches, found = Steps(model, feed.element_spec), iter(feed), []
    for step in range(count + 1):
        found.append({name: whole.get_layer(name).get_weights() for name in ("Student", "Teacher", "Slow")})
        if step < count:
            assert steps.train(batches, 1) == (1, True)
    return whole, found


def assert_follows(before: dict[str, Any], after: dict[str, Any], *, moved: bool) -> None:
    moves = [not np.array_equal(*pair) for pair in zip(before["Student"], after["Student"], strict=True)]
    assert all(moves) if moved else not any(moves)
    for name, origin, momentum in (("Teacher", "Student", 0.75), ("Slow", "Teacher", 0.5)):
        for old, new, other in zip(before[name], after[name], after[origin], strict=True):
            expected = momentum * old + (1 - momentum) * other if moved else old
            np.testing.assert_allclose(new, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_average_follows_each_step_of_what_it_averages(jit: bool, tmp_path: Path) -> None:
    state = checked(LEARNERS.replace("EVERY", "2"), tmp_path)
    whole, found = trained(state, 4, jit=jit)
    for name in ("Teacher", "Slow"):
        assert all(np.array_equal(*pair) for pair in zip(found[0][name], found[0]["Student"], strict=True))
        assert not whole.get_layer(name).trainable_variables
    for step in range(4):
        assert_follows(found[step], found[step + 1], moved=step % 2 == 1)
    # It runs in the mode of what it averages: dropout drops.
    first, second = (np.array(whole.get_layer("Teacher")(np.ones((4, 5)), training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_it_does_so_where_outputs_are_compared_with_targets(tmp_path: Path) -> None:
    """Gradients of two batches make a step; batch statistics of the student move in each."""
    _, found = trained(checked(PLAIN, tmp_path), 4)
    for step in range(4):
        before, after, moved = found[step], found[step + 1], step % 2 == 1
        assert_follows(before if moved else {**before, "Student": after["Student"]}, after, moved=moved)


def test_emitted_python_begins_equal(tmp_path: Path) -> None:
    """Written layer by layer, since the average of a model that calls another has a copy of that one."""
    state = checked(LEARNERS.replace("EVERY", "1"), tmp_path)
    compare(state, emit_model(state))


def test_emitted_python_has_one_function_for_both(tmp_path: Path) -> None:
    text = MODELS.replace("[Inner, ", "[dense: 5, ").replace("  Inner: {inputs: {e: [5]}, layers: [dense: 5]}\n", "")
    path = tmp_path / "spec.yaml"
    path.write_text(text + LEARNERS.replace("EVERY", "1"))
    state = compile_spec(path)
    assert isinstance(state, Checked)
    names = [function.identifier for function in structured(state)[0]]
    assert names == ["build_student", "begin_average", "build_model"]
    compare(state, emit_model(state))
