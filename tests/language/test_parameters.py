"""What parameters, overrides and `extends` mean, and that no spec keeps `check` busy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language.meaning import Case, check_meaning
from tests.support import compile_text

CASES: list[Case] = [
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
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_meaning(text: str, expected: str, tmp_path: Path) -> None:
    check_meaning(tmp_path, text, expected)


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


def test_an_override_changes_one_use_of_an_alias(tmp_path: Path) -> None:
    text = "inputs: {x: [8]}\nlayers:\n  - dense: &d {units: 4}\n  - dense: *d\n"
    state = compile_text(tmp_path, text, "layers.0.dense.units=7")
    assert state.graph is not None
    assert [node.outputs[0].shape for node in state.graph.nodes[1:]] == [(7,), (4,)]


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
