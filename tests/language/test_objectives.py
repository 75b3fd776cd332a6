"""What is minimised is a root of the graph; what is saved is the part that outputs need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dlspec.core.ir import print_graph
from dlspec.passes.state import Lowered
from dlspec.views.drawing import svg
from tests.support import as_documented, asked, compile_text, problems

SPEC = """
inputs: {image: [4], label: [1]}
models:
  Encoder: {inputs: {x: [4]}, layers: [{dense: 3}]}
  Critic: {inputs: {x: [3]}, layers: [{dense: 1}]}
layers:
  - Encoder: {from: image, name: code}
  - Critic: {from: code, name: score}
  - losses.mse: {from: [label, score], name: miss}
  - dense: {units: 4, from: code, name: back}
  - losses.mse: {from: [image, back], name: error}
outputs: code
train: {minimize: {miss: 1, error: 0.1}}
"""

TURNS = """
inputs: {x: [4]}
layers:
  - repeat:
      times: $turns
      layers:
        - dense: {units: 4}
        - ops.square: {name: size}
params: {turns: 3}
train: {minimize: size}
"""


def lowered(folder: Path, text: str, *overrides: str) -> Lowered:
    state = compile_text(folder, text, *overrides)
    assert isinstance(state, Lowered) and not state.diagnostics.items, state.diagnostics.items
    return state


def test_the_saved_part_is_what_outputs_need(tmp_path: Path) -> None:
    state = lowered(tmp_path, SPEC)
    assert [node.name for node in state.graph.nodes] == ["image", "code"]
    assert (state.graph.parameters, state.training_graph.parameters) == (15, 15 + 4 + 16)
    assert [name for name, _ in state.training_graph.objectives] == ["miss", "error"]
    assert state.outputs == ("code",)
    assert print_graph(state.training_graph).splitlines()[-2:] == [
        "  return code: %2",
        "  train miss: %4, error: %6",
    ]


def test_without_objectives_both_are_one(tmp_path: Path) -> None:
    state = lowered(tmp_path, "{inputs: {x: [4]}, layers: [{dense: {units: 2, name: y}}], train: {loss: mse}}")
    assert state.graph is state.training_graph and not state.graph.objectives


def test_a_model_that_training_calls_first_is_made_in_the_saved_part(tmp_path: Path) -> None:
    text = """
    inputs: {a: [4], b: [4]}
    models: {Encoder: {inputs: {x: [4]}, layers: [{dense: 3}]}}
    layers:
      - Encoder: {from: a, name: one}
      - Encoder: {from: b, name: two}
      - losses.mse: {from: [one, two], name: apart}
    outputs: two
    train: {minimize: apart}
    """
    state = lowered(tmp_path, text)
    assert [(node.name, node.parameters, node.shared) for node in state.graph.nodes] == [
        ("b", 0, None),
        ("two", 15, None),
    ]
    assert [node.parameters for node in state.training_graph.nodes] == [0, 0, 15, 0, 0]


def test_an_output_that_is_minimised_is_no_further_root(tmp_path: Path) -> None:
    text = """
    inputs: {x: [4]}
    layers: [{dense: {units: 2, name: y}}]
    outputs: y
    train: {minimize: y, metrics: {y: mean}}
    """
    state = lowered(tmp_path, text)
    assert state.training_graph is state.graph


def test_what_metrics_name_is_a_root(tmp_path: Path) -> None:
    text = SPEC.replace("{miss: 1, error: 0.1}", "miss, metrics: {error: mean}")
    text = text.replace("  - dense: {units: 4, from: code, name: back}\n", "").replace(
        "[image, back]", "[score, label]"
    )
    assert [name for name, _ in lowered(tmp_path, text).training_graph.objectives] == ["miss", "error"]


def test_learners_and_expressions_name_tensors(tmp_path: Path) -> None:
    text = SPEC.replace(
        "{minimize: {miss: 1, error: 0.1}}", "{learners: {a: {minimize: $kind}, b: {minimize: [error]}}}"
    )
    state = lowered(tmp_path, text + "params: {kind: miss}\n")
    assert [name for name, _ in state.training_graph.objectives] == ["miss", "error"]


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_the_turns_of_a_repeat_are_summed(turns: int, tmp_path: Path) -> None:
    state = lowered(tmp_path, TURNS, f"params.turns={turns}")
    graph = state.training_graph
    ((name, edge),) = graph.objectives
    node = graph.nodes[edge.node]
    assert name == "size" and graph.tensor(edge).shape == (4,)
    assert (node.kind, len(node.edges)) == (("add", turns) if turns > 1 else ("ops.square", 1))


def test_turns_of_several_shapes_are_summed_as_means(tmp_path: Path) -> None:
    text = TURNS.replace("dense: {units: 4}", "dense: {units: 2 * ($index + 1)}")
    graph = lowered(tmp_path, text).training_graph
    ((_, edge),) = graph.objectives
    kinds = [graph.nodes[one.node].kind for one in graph.nodes[edge.node].edges]
    assert kinds == ["ops.mean"] * 3 and graph.tensor(edge).shape == ()


def test_what_a_condition_leaves_out_cannot_be_minimised(tmp_path: Path) -> None:
    text = SPEC.replace("name: error}", "name: error, if: false}")
    assert ("E411", 13, 29) in problems(compile_text(tmp_path, text))


def test_no_target_is_needed_where_tensors_are_minimised(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("p,q,r,s,y\n1,2,3,4,5\n2,3,4,5,6\n3,4,5,6,7\n")
    data = "data: {source: {csv: a.csv}, inputs: {image: {columns: [p, q, r, s]}, label: y}}\n"
    assert not compile_text(tmp_path, SPEC + data).diagnostics.errors
    without = SPEC + data.replace(", label: y", "")
    assert [code for code, *_ in problems(compile_text(tmp_path, without))] == ["E607"]


def test_parts_are_counted_by_name(tmp_path: Path) -> None:
    counts = "expect: {parameters: {model: 15, Critic: 4, back: 16, score: 4}}\n"
    assert not compile_text(tmp_path, SPEC + counts).diagnostics.items
    wrong = counts.replace("Critic: 4", "Critic: 5")
    assert [item.message for item in compile_text(tmp_path, SPEC + wrong).diagnostics.items] == [
        "expected 5 parameters, but `Critic` has 4"
    ]
    assert not compile_text(tmp_path, SPEC + "expect: {parameters: 15}\n").diagnostics.items


def test_commands_tell_both_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    assert "1 layer, 15 parameters (20 more in training)" in asked(capsys, "check", str(path))
    shown = as_documented("output/show", asked(capsys, "show", str(path), "--format", "json"))
    assert (shown["parameters"]["total"], shown["training"]["parameters"]["total"]) == (15, 35)
    assert list(shown["training"]["inputs"]) == ["label"] and list(shown["training"]["objectives"]) == ["miss", "error"]
    layers: list[dict[str, Any]] = shown["training"]["layers"]
    assert [(one["name"], one["parameters"]) for one in layers] == [
        ("label", 0), ("score", 4), ("miss", 0), ("back", 16), ("error", 0),
    ]  # fmt: skip
    text = asked(capsys, "show", str(path))
    assert "in training besides, for miss, error:" in text and "(20 more in training)" in text
    dumped = asked(capsys, "show", str(path), "--dump-ir")
    assert "train miss: %4, error: %6" in dumped, json.dumps(dumped)


def test_a_drawing_marks_what_is_minimised(tmp_path: Path) -> None:
    state = lowered(tmp_path, SPEC)
    drawn = svg(state.training_graph, "both")
    assert drawn.count('class="box objective"') == 2 and drawn.count('class="box output"') == 1
    assert "objective" not in svg(state.graph, "saved")
