"""`dlspec evaluate SPEC --inputs`: values and derivatives of an untrained graph, as one computes them by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.core.errors import Problem
from dlspec.passes.state import Checked
from dlspec.training.values import values
from tests.support import asked, compile_text

pytestmark = pytest.mark.slow

PRODUCT = """
inputs: {x: [1], y: [1], z: [1]}
layers:
  - add: {from: [x, y], name: q}
  - multiply: {from: [q, z], name: f}
outputs: [q, f]
"""
MINIMISED = """
inputs: {x: [2], y: [1]}
layers:
  - dense: {units: 1, from: x, name: guess}
  - losses.mse: {from: [y, guess], name: far}
  - ops.abs: {from: guess, name: size}
outputs: guess
data: {source: {npz: a.npz}, inputs: {x: {column: x}, y: {column: y}}}
train: {minimize: {far: 2, size: 0.5}, optimizer: adam, seed: 3}
"""


def computed(folder: Path, spec: str, given: str) -> tuple[str, dict[str, Any]]:
    state = compile_text(folder, spec)
    assert isinstance(state, Checked), state.diagnostics.errors
    seed = 0 if state.method is None else state.method.seed
    of, rows = values(state.training_graph, state.method, seed, given)
    return of, {row.name: row for row in rows}


def test_a_product_of_a_sum(tmp_path: Path) -> None:
    of, found = computed(tmp_path, PRODUCT, '{"x": [[2]], "y": [[3]], "z": [[-4]]}')
    assert of == "f"
    assert {name: (row.value.item(), row.derivative.item()) for name, row in found.items()} == {
        "x": (2, -4), "y": (3, -4), "z": (-4, 5), "q": (5, -4), "f": (-20, 1),
    }  # fmt: skip


def test_objectives_and_weights(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((20, 2), np.float32), y=np.ones((20, 1), np.float32))
    of, found = computed(tmp_path, MINIMISED, '{"x": [[1, 2], [3, 4]], "y": [[1], [0]]}')
    assert of == "2 · far + 0.5 · size"
    x, y = np.array([[1, 2], [3, 4]]), np.array([[1], [0]])
    kernel = found["guess/kernel"].value
    guess = x @ kernel
    assert np.allclose(found["guess"].value, guess) and np.allclose(found["far"].value, (guess - y)[:, 0] ** 2)
    slope = (2 * 2 * (guess - y) + 0.5 * np.sign(guess)) / 2
    assert np.allclose(found["guess"].derivative, slope, rtol=1e-5)
    assert np.allclose(found["guess/kernel"].derivative, x.T @ slope, rtol=1e-5)
    assert np.allclose(found["guess/bias"].derivative, slope.sum(axis=0), rtol=1e-5)
    assert np.allclose(found["x"].derivative, slope @ kernel.T, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2", "takes JSON"),
        ('{"x": [[2]], "y": [[3]], "w": [[1]]}', "`w` is no input"),
        ('{"x": [[2]], "y": [[3]]}', "gives no `z`"),
        ('{"x": [2], "y": [[3]], "z": [[1]]}', r"`x` has shape \[1\] for each example, and \[1\] is given"),
        ('{"x": [["a"]], "y": [[3]], "z": [[1]]}', "`x` takes numbers"),
        ('{"x": [[1], [1, 2]], "y": [[3]], "z": [[1]]}', "`x` takes numbers"),
    ],
)
def test_numbers_that_do_not_fit(tmp_path: Path, given: str, message: str) -> None:
    with pytest.raises(Problem, match=message) as caught:
        computed(tmp_path, PRODUCT, given)
    assert caught.value.code == "E523"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "graph.yaml"
    spec.write_text(PRODUCT, encoding="utf-8")
    text = asked(capsys, "evaluate", str(spec), "--inputs", '{"x": [[2]], "y": [[3]], "z": [[-4]]}')
    assert text.splitlines()[:2] == ["tensor  value     derivative of f", "x       [[2.]]    [[-4.]]"]
    assert run(["evaluate", str(spec), "--inputs", "{}", "--format", "json"]) == 2
    assert run(["evaluate", "latest", "--inputs", "{}"]) == 2
