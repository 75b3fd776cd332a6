"""What blocks, branches and shared models mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language.meaning import Case, check_meaning
from tests.support import compile_text

CASES: list[Case] = [
    (
        "residual merges with its input by add",
        """
        inputs: {x: [4]}
        layers:
          - residual: [{dense: 8}, {dense: 4}]
        """,
        """
        dense dense(x) [8]
        dense_1 dense(dense) [4]
        add add(dense_1, x) [4]
        """,
    ),
    (
        "residual with a shortcut, merged in written order",
        """
        inputs: {x: [4]}
        layers:
          - residual:
              shortcut: {dense: 3}
              layers: [{dense: 2}]
              merge: concatenate
              name: joined
        """,
        """
        dense dense(x) [3]
        dense_1 dense(x) [2]
        joined concatenate(dense, dense_1) [5]
        """,
    ),
    (
        "parallel branches: an item, a list, nothing; named ones can be referred to",
        """
        inputs: {x: [4, 4, 2]}
        layers:
          - parallel:
              branches:
                one: {conv2d: {filters: 3, kernel_size: 1}}
                two: [{conv2d: {filters: 5, kernel_size: 1}}, re_lu]
                same: []
              merge: {concatenate: {axis: -1}}
          - concatenate: [prev, two]
        """,
        """
        conv2d conv2d(x) [4, 4, 3]
        conv2d_1 conv2d(x) [4, 4, 5]
        re_lu re_lu(conv2d_1) [4, 4, 5]
        concatenate concatenate(conv2d, re_lu, x) [4, 4, 10]
        concatenate_1 concatenate(concatenate, re_lu) [4, 4, 15]
        """,
    ),
    (
        "blocks: required and default parameters, defaults see the input and earlier parameters",
        """
        inputs: {x: [6]}
        blocks:
          Squeeze:
            params: {ratio, width: $channels // $ratio, act: relu}
            layers:
              - dense: {units: $width, activation: $act}
              - dense: $channels
        layers:
          - Squeeze: 3
          - Squeeze: {ratio: 2, act: tanh, name: second}
        """,
        """
        squeeze.dense dense(x) [2]
        squeeze.dense_1 dense(squeeze.dense) [2]
        second.dense dense(squeeze.dense_1) [1]
        second.dense_1 dense(second.dense) [1]
        """,
    ),
    (
        "a block of several inputs and outputs",
        """
        inputs: {x: [4], y: [5]}
        blocks:
          Cross:
            inputs: [a, b]
            layers:
              - dense: {units: 2, from: a, name: left}
              - dense: {units: 3, from: b, name: right}
            outputs: [right, left]
        layers:
          - Cross: {from: [x, y], name: [p, q]}
          - concatenate: [q, p]
        """,
        """
        cross.left dense(x) [2]
        cross.right dense(y) [3]
        concatenate concatenate(cross.left, cross.right) [5]
        """,
    ),
    (
        "inside a block `input` is what came in",
        """
        inputs: {x: [4]}
        blocks:
          Gate:
            layers:
              - dense: {units: $channels, activation: sigmoid}
              - multiply: [input, prev]
        layers: [Gate, Gate]
        """,
        """
        gate.dense dense(x) [4]
        gate.multiply multiply(x, gate.dense) [4]
        gate_1.dense dense(gate.multiply) [4]
        gate_1.multiply multiply(gate.multiply, gate_1.dense) [4]
        """,
    ),
    (
        "a shared model is one node a call",
        """
        inputs: {a: [4], b: [4]}
        models:
          Tower:
            inputs: {x: [4]}
            layers: [{dense: 3}]
        layers:
          - Tower: {from: a, name: left}
          - Tower: {from: b}
          - dot: {axes: 1, from: [left, prev]}
        """,
        """
        left Tower(a) [3]
        tower Tower(b) [3]
        dot dot(left, tower) [1]
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    check_meaning(tmp_path, text, expected)


def test_shared_weights_count_once(tmp_path: Path) -> None:
    text = """
inputs: {a: [4], b: [4]}
models: {Tower: {inputs: {x: [4]}, layers: [{dense: 3}]}}
layers:
  - Tower: {from: a, repeat: 1, name: left}
  - Tower: {from: b}
  - add: [left, prev]
expect: {parameters: 15}
"""
    state = compile_text(tmp_path, text)
    assert not state.diagnostics.errors
    assert state.graph is not None
    assert [node.shared for node in state.graph.nodes if node.kind == "Tower"] == [None, 2]
