"""What the constructs of the language mean: small specs, and the graph that each becomes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dlspec.core.ir import show_shape
from tests.support import compile_text

# name | spec | nodes as "name layer(inputs) shape", inputs of the graph left out
CASES: list[tuple[str, str, str]] = [
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
        "repeat chains; the name is the last turn's",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, repeat: 3, name: top}
          - add: [top, prev]
        """,
        """
        dense dense(x) [3]
        dense_1 dense(dense) [3]
        top dense(dense_1) [3]
        add add(top, top) [3]
        """,
    ),
    (
        "index counts the turns of the item's own repeat, `if` is asked each turn",
        """
        inputs: {x: [4]}
        layers:
          - dense: {units: 2 + $index, repeat: 4, if: $index != 1}
        """,
        """
        dense dense(x) [2]
        dense_1 dense(dense) [4]
        dense_2 dense(dense_1) [5]
        """,
    ),
    (
        "a single from feeds the first turn, a list is reread each turn",
        """
        inputs: {x: [4], y: [4]}
        layers:
          - dense: {units: 4, from: y, repeat: 2, name: a}
          - add: {from: [x, prev], repeat: 2}
        """,
        """
        dense dense(y) [4]
        a dense(dense) [4]
        add add(x, a) [4]
        add_1 add(x, add) [4]
        """,
    ),
    (
        "repeat: 0 and if: false delete the line",
        """
        params: {deep: false}
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, repeat: 0}
          - dense: {units: 2, if: $deep}
          - dense: 1
        """,
        "dense dense(x) [1]",
    ),
    (
        "a repeated group; its names become the list of all turns",
        """
        inputs: {x: [4]}
        layers:
          - repeat:
              times: 3
              layers:
                - dense: {units: 4, name: skip}
                - re_lu
          - add: skip
        """,
        """
        skip dense(x) [4]
        re_lu re_lu(skip) [4]
        skip_1 dense(re_lu) [4]
        re_lu_1 re_lu(skip_1) [4]
        skip_2 dense(re_lu_1) [4]
        add add(skip, skip_1, skip_2) [4]
        """,
    ),
    (
        "each gives every turn its values; names may be substituted",
        """
        params: {widths: [2, 3]}
        inputs: {x: [4]}
        layers:
          - repeat:
              each: {width: $widths, act: [relu, tanh]}
              layers:
                - dense: {units: $width, activation: $act, name: level_$index}
          - concatenate: [level_0, level_$(2 - 1)]
        """,
        """
        level_0 dense(x) [2]
        level_1 dense(level_0) [3]
        concatenate concatenate(level_0, level_1) [5]
        """,
    ),
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
    (
        "a search space stands for its default",
        """
        params: {units: {int: [8, 64], step: 8}, act: {choice: [relu, tanh], default: tanh}}
        inputs: {x: [5]}
        layers: [{dense: {units: $units, activation: $act}}]
        """,
        "dense dense(x) [8]",
    ),
    (
        "params use each other in any order; arithmetic in numeric fields",
        """
        params: {wide: $narrow * 4, narrow: 2, rate: 1 / 4}
        inputs: {x: [5]}
        layers:
          - dense: $wide
          - dropout: $rate
          - dense: 12 // 5
        """,
        """
        dense dense(x) [8]
        dropout dropout(dense) [8]
        dense_1 dense(dropout) [2]
        """,
    ),
    (
        "nested groups: $index is that of the textually enclosing repeat",
        """
        inputs: {x: [5]}
        layers:
          - repeat:
              times: 2
              layers:
                - repeat: {times: 1 + $index, layers: [{dense: 10 + $index}]}
                - dense: $index + 1
        """,
        """
        dense dense(x) [10]
        dense_1 dense(dense) [1]
        dense_2 dense(dense_1) [10]
        dense_3 dense(dense_2) [11]
        dense_4 dense(dense_3) [2]
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    state = compile_text(tmp_path, dedent(text))
    assert not state.diagnostics.errors, state.diagnostics.errors
    graph = state.graph
    assert graph is not None
    lines = [
        f"{node.name} {node.kind}({', '.join(graph.nodes[edge.node].name for edge in node.edges)}) "
        + " ".join(show_shape(tensor.shape) for tensor in node.outputs)
        for node in graph.nodes
        if node.layer is not None
    ]
    assert lines == dedent(expected).strip().split("\n")


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


def test_overrides_are_typed_and_reach_the_graph(tmp_path: Path) -> None:
    text = "params: {width: 2}\ninputs: {x: [4]}\nlayers: [{dense: $width}, {dense: {units: 3}}]\n"
    state = compile_text(tmp_path, text, "params.width=7", "layers.1.dense.units=5")
    assert state.graph is not None
    assert [node.outputs[0].shape for node in state.graph.nodes] == [(4,), (7,), (5,)]
    wrong = compile_text(tmp_path, text, "layers.1.dense.units=many")
    assert [(item.code, item.message) for item in wrong.diagnostics.items] == [
        ("E204", "`units` of dense must be a whole number, got text `many`")
    ]
    assert wrong.diagnostics.items[0].span is not None
    assert wrong.diagnostics.items[0].span.file == "--set layers.1.dense.units=many"


def test_an_override_names_a_declared_parameter(tmp_path: Path) -> None:
    text = "params: {width: 2}\ninputs: {x: [4]}\nlayers: [{dense: $width}]\n"
    (item,) = compile_text(tmp_path, text, "params.widht=7").diagnostics.items
    assert (item.code, item.message, item.help) == (
        "E109",
        "the spec has no parameter `widht`",
        "did you mean `width`?",
    )


def test_a_parameter_may_hold_a_list_of_components(tmp_path: Path) -> None:
    text = "params: {watch: [mae, mse]}\ninputs: {x: [4]}\nlayers: [{dense: 1}]\ntrain: {loss: mse, metrics: $watch}\n"
    state = compile_text(tmp_path, text)
    assert not state.diagnostics.errors
    assert state.method is not None
    assert [metric.name for metric in state.method.metrics] == ["mae", "mse"]  # type: ignore[attr-defined]


def test_a_variant_need_not_use_all_that_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("params: {width: 2}\ninputs: {x: [4]}\nlayers: [{dense: $width}]\n")
    state = compile_text(tmp_path, "extends: base.yaml\nlayers: [{dense: 3}]\n")
    assert state.diagnostics.items == []


def test_extends_merges_maps_and_replaces_components(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "name: base\nparams: {width: 2, deep: true}\ninputs: {x: [4]}\nlayers: [{dense: $width}]\n"
        "data: {source: {csv: {path: a.csv}}, targets: {y: y}, batch_size: 8}\n"
        "train: {loss: mse, optimizer: {sgd: {momentum: 0.9}}}\n"
    )
    train = "train: {optimizer: {adam: {learning_rate: 0.1}}, epochs: 2}\n"
    child = f"extends: base.yaml\nname: child\nparams: {{width: 3}}\n{train}"
    state = compile_text(tmp_path, child)
    assert state.data is not None
    assert state.data["params"] == {"width": 3, "deep": True}
    assert state.data["train"] == {"loss": "mse", "optimizer": {"adam": {"learning_rate": 0.1}}, "epochs": 2}
    assert state.data["data"]["batch_size"] == 8
    assert "extends" not in state.data


def test_an_error_in_an_extended_file_is_shown_there(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("inputs: {x: [4]}\nlayers:\n  - dense: {unit: 3}\n")
    state = compile_text(tmp_path, "extends: base.yaml\nname: child\n")
    (item,) = state.diagnostics.items
    assert item.code == "E202"
    assert item.span is not None
    assert (Path(item.span.file).name, item.span.line, item.span.column) == ("base.yaml", 3, 13)


NODES = [
    (
        "a name stays with the last turn that ran",
        "- dense: {units: 8, repeat: 3, if: $index < 2, name: k}\n  - add: [k, prev]",
        ["dense", "dense_1", "add"],
    ),
    (
        "of several outputs, the first goes on to the next turn",
        "- reshape: [4, 2]\n"
        "  - lstm: {units: 3, repeat: 2, return_state: true, return_sequences: true, name: [s, h, c]}\n"
        "  - concatenate: [h, c]",
        ["reshape", "lstm", "lstm_1", "concatenate"],
    ),
    (
        "a repeated group may hold names, which become lists",
        "- residual: {repeat: 2, layers: [{dense: {units: 8, name: h}}, {dense: 8}], name: out}\n  - add: [h, out]",
        ["h", "dense", "add", "h_1", "dense_1", "out", "add_1"],
    ),
    (
        "names with an expression never meet automatic ones",
        '- dense: {units: 8, repeat: 2}\n  - dense: {units: 8, repeat: 2, name: "dense_$index"}',
        ["dense", "dense_1", "dense_2", "dense_1_1"],
    ),
]


@pytest.mark.parametrize(("layers", "names"), [case[1:] for case in NODES], ids=[case[0] for case in NODES])
def test_names_of_turns(layers: str, names: list[str], tmp_path: Path) -> None:
    state = compile_text(tmp_path, f"inputs: {{x: [8]}}\nlayers:\n  {layers}\n")
    assert not state.diagnostics.errors, state.diagnostics.errors
    assert state.graph is not None
    found = [node.name for node in state.graph.nodes[1:]]
    assert len(set(found)) == len(found)
    assert found == names


HOSTILE = {
    "rounding to many digits": ('- dense: "$(round(3, -2**40))"', "E303"),
    "repeats that never make a layer": (
        "- repeat: {times: 100000, layers: [{repeat: {times: 100000, layers: [{dense: {units: 8, if: $index < 0}}]}}]}",
        "E313",
    ),
}


@pytest.mark.parametrize(("layers", "code"), HOSTILE.values(), ids=HOSTILE)
def test_no_spec_keeps_check_busy(layers: str, code: str, tmp_path: Path) -> None:
    state = compile_text(tmp_path, f"inputs: {{x: [8]}}\nlayers:\n  {layers}\n")
    assert [item.code for item in state.diagnostics.errors] == [code]


def test_parameters_cannot_grow_by_sharing(tmp_path: Path) -> None:
    params = "".join(f"  a{n}: [$a{n - 1}, $a{n - 1}]\n" for n in range(1, 41))
    state = compile_text(tmp_path, f"params:\n  a0: [1, 1]\n{params}inputs: {{x: [8]}}\nlayers:\n  - dense: $a40\n")
    assert [item.code for item in state.diagnostics.errors] == ["E303"]


def test_long_chains_are_no_internal_error(tmp_path: Path) -> None:
    params = "".join(f"  p{n}: $p{n + 1}\n" for n in range(400))
    text = f"params:\n{params}  p400: 3\ninputs: {{x: [8]}}\nlayers:\n  - dense: $p0\n"
    assert [item.code for item in compile_text(tmp_path, text).diagnostics.errors] in ([], ["E313"])


def test_an_override_changes_one_use_of_an_alias(tmp_path: Path) -> None:
    text = "inputs: {x: [8]}\nlayers:\n  - dense: &d {units: 4}\n  - dense: *d\n"
    state = compile_text(tmp_path, text, "layers.0.dense.units=7")
    assert state.graph is not None
    assert [node.outputs[0].shape for node in state.graph.nodes[1:]] == [(7,), (4,)]
