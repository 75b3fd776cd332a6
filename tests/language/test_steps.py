"""What a step of `layers` means: what enters it, its name, its shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language.meaning import Case, check_meaning
from tests.support import compile_text

CASES: list[Case] = [
    (
        "operations take names as their value, or constants and `from`; dots are left out of automatic names",
        """
        inputs: {q: [4, 3], k: [3, 5]}
        layers:
          - ops.matmul: [q, k]
          - ops.multiply: {x2: 1 / 2}
          - ops.subtract: {from: {x2: q, x1: [prev]}, if: false}
          - ops.subtract: {x1: 1}
          - ops.einsum: {subscripts: "bij,bik->bjk", from: [q, prev]}
          - ops.mean: 1
        """,
        """
        matmul ops.matmul(q, k) [4, 5]
        multiply ops.multiply(matmul) [4, 5]
        subtract ops.subtract(multiply) [4, 5]
        einsum ops.einsum(q, subtract) [3, 5]
        mean ops.mean(einsum) [5]
        """,
    ),
    (
        "operations with several outputs, by a list of names",
        """
        inputs: {x: [4, 6]}
        layers:
          - ops.split: {indices_or_sections: [2, 3], axis: -1, name: [a, b, c]}
          - ops.top_k: {k: 2, from: c, name: [values, places]}
          - ops.take_along_axis: {axis: 2, from: {x: c, indices: places}}
          - ops.concatenate: {axis: 2, from: [a, b, prev, values]}
        """,
        """
        split ops.split(x) [4, 2] [4, 1] [4, 3]
        top_k ops.top_k(split) [4, 2] [4, 2]
        take_along_axis ops.take_along_axis(split, top_k) [4, 2]
        concatenate ops.concatenate(split, split, take_along_axis, top_k) [4, 7]
        """,
    ),
    (
        "an operation merges branches",
        """
        inputs: {x: [4]}
        layers:
          - parallel: {branches: [{dense: 4}, []], merge: {ops.stack: {axis: 1}}}
        """,
        """
        dense dense(x) [4]
        stack ops.stack(dense, x) [2, 4]
        """,
    ),
    (
        "a learned tensor takes the first input, in a block too, and leaves prev alone before it",
        """
        inputs: {x: [4, 3], y: [2]}
        blocks: {Token: {layers: [{weight: {shape: [1, $channels], name: token}},
                                  {ops.concatenate: {axis: 1, from: [token, input]}}]}}
        layers:
          - weight: {shape: [3], repeat: 2, name: bias}
          - ops.expand_dims: {axis: 1, from: bias}
          - ops.add: [x, prev]
          - Token
          - weight: {shape: [], from: y, name: scale}
          - ops.reshape: [1, 1]
        outputs: [token_out, prev]
        """.replace("          - Token\n", "          - Token: {name: token_out}\n"),
        """
        weight weight(x) [3]
        bias weight(weight) [3]
        expand_dims ops.expand_dims(bias) [1, 3]
        add ops.add(x, expand_dims) [4, 3]
        token_out.token weight(x) [1, 3]
        token_out.concatenate ops.concatenate(token_out.token, add) [5, 3]
        scale weight(y) []
        reshape ops.reshape(scale) [1, 1]
        """,
    ),
    (
        "sequential by default, shorthand fills the first option",
        """
        inputs: {x: [4]}
        layers:
          - dense: 3
          - dropout: 0.5
        """,
        """
        dense dense(x) [3]
        dropout dropout(dense) [3]
        """,
    ),
    (
        "from, prev and name",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, name: left}
          - dense: {units: 3, from: x}
          - add: [left, prev]
        """,
        """
        left dense(x) [3]
        dense dense(x) [3]
        add add(left, dense) [3]
        """,
    ),
    (
        "an option list beside from",
        """
        inputs: {x: [4, 2], y: [3, 2]}
        layers:
          - concatenate: {axis: 1, from: [x, y]}
        """,
        "concatenate concatenate(x, y) [7, 2]",
    ),
    (
        "a transition halves what comes in",
        """
        inputs: {image: [8, 6, 12]}
        layers:
          - conv2d: {filters: $channels // 2, kernel_size: "[1, min($shape[0], 3)]"}
        """,
        "conv2d conv2d(image) [8, 4, 6]",
    ),
    (
        "several outputs of a layer, named call arguments",
        """
        inputs: {x: [5, 2], y: [7, 2]}
        layers:
          - lstm: {units: 3, return_state: true, from: x, name: [last, h, c]}
          - lstm: {units: 3, from: {sequence: y, initial_state: [h, c]}}
          - add: [last, prev]
        """,
        """
        lstm lstm(x) [3] [3] [3]
        lstm_1 lstm(y, lstm, lstm) [3]
        add add(lstm, lstm_1) [3]
        """,
    ),
    (
        "wrapped layers",
        """
        inputs: {x: [5, 2]}
        layers:
          - bidirectional: {layer: {lstm: {units: 3, return_sequences: true}}}
          - time_distributed: {layer: {dense: 4}}
        """,
        """
        bidirectional bidirectional(x) [5, 6]
        time_distributed time_distributed(bidirectional) [5, 4]
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    check_meaning(tmp_path, text, expected)


def test_several_outputs_in_written_order(tmp_path: Path) -> None:
    text = """
inputs: {x: [4]}
layers:
  - dense: {units: 2, name: a}
  - dense: {units: 3, from: x, name: b}
outputs: [b, a]
expect: {parameters: 25, output: {a: [2], b: [3]}}
"""
    graph = compile_text(tmp_path, text).graph
    assert graph is not None
    assert [name for name, _ in graph.outputs] == ["b", "a"]
