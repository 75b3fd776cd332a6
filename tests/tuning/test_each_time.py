"""Spaces that are drawn at each use: which uses there are, what they are called, and how a spec has their values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dlspec.export.python.module import emit_model
from dlspec.passes import compile_spec
from dlspec.passes.state import Compilation
from dlspec.tuning.plan.oracles import Driver
from dlspec.tuning.plan.plan import Plan, plan_of
from dlspec.tuning.plan.spaces import hyperparameters
from dlspec.tuning.search.folder import best_spec

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")
SPEC = Path(__file__).parent / "each_time.yaml"
REST = """
data: {source: {sklearn: iris}, targets: {y: {column: target}}}
train: {loss: mse}
tune: {objective: loss, trials: 4}
"""


def compiled(text: str, folder: Path, values: dict[str, Any] | None = None) -> Compilation:
    spec = folder / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    state = compile_spec(spec, values=values)
    assert not state.diagnostics.errors, [error.message for error in state.diagnostics.errors]
    return state


def planned(layers: str, folder: Path) -> Plan:
    return plan_of(compiled(f"inputs: {{x: [4]}}\n{layers}{REST}", folder))


def units(state: Compilation) -> list[int]:
    assert state.graph is not None
    return [node.layer.units for node in state.graph.nodes if hasattr(node.layer, "units")]


def test_uses_are_named_by_place_and_conditional_on_what_makes_them() -> None:
    plan = plan_of(compile_spec(SPEC))
    assert list(plan.spaces) == [
        "depth", "units_1_1", "units_1_2", "units_1_3", "units_2", "norm_1", "norm_2", "norm_3", "width_1", "width_2",
    ]  # fmt: skip
    second, third = {"depth": (2, 3)}, {"depth": (3,)}
    assert plan.conditions == {"units_1_2": second, "units_1_3": third, "norm_2": second, "norm_3": third}


def test_uses_inside_of_nested_repeats_are_found_together(tmp_path: Path) -> None:
    plan = planned(
        """
params:
  stages: {int: [1, 2]}
  depth: {int: [1, 2]}
  units: {choice: [4, 8], each_time: true}
layers:
  - repeat:
      times: $stages
      layers:
        - repeat: {times: $depth, layers: [dense: $units]}
  - {dense: {units: 1, name: y}}
""",
        tmp_path,
    )
    assert list(plan.spaces)[2:] == ["units_1_1", "units_1_2", "units_2_1", "units_2_2"]
    assert plan.conditions["units_2_2"] == {"stages": (2,), "depth": (2,)}


def test_uses_may_decide_about_each_other(tmp_path: Path) -> None:
    plan = planned(
        """
params:
  on: {bool: true, each_time: true}
  units: {choice: [4, 8], each_time: true}
layers:
  - dense: {units: $units, if: $on, repeat: 2}
  - {dense: {units: 1, name: y}}
""",
        tmp_path,
    )
    assert list(plan.spaces) == ["on_1", "on_2", "units_1", "units_2"]
    assert plan.conditions == {"units_1": {"on_1": (True,)}, "units_2": {"on_2": (True,)}}


def test_counts_of_many_values_make_uses_without_conditions(tmp_path: Path) -> None:
    plan = planned(
        """
params:
  depth: {int: [1, 40]}
  units: {choice: [4, 8], each_time: true}
layers:
  - repeat: {times: $depth, layers: [dense: $units]}
  - {dense: {units: 1, name: y}}
""",
        tmp_path,
    )
    assert len(plan.spaces) == 41 and plan.conditions == {}
    values = {"depth": 1, "units_1": 4, "units_2": 4}
    assert plan.key(values) == plan.key({**values, "units_2": 8}) != plan.key({**values, "units_1": 8})


def test_calls_of_a_block_are_places_and_its_turns_are_turns(tmp_path: Path) -> None:
    layers = """
params:
  units: {choice: [4, 8, 16], each_time: true}
blocks:
  Two:
    params: {last: $units}
    layers:
      - dense: $units
      - dense: {units: $units, repeat: 2}
      - dense: $last
layers:
  - Two
  - Two: {last: 3}
  - {dense: {units: 1, name: y}}
"""
    plan = planned(layers, tmp_path)
    # of the first call its default, the layer and its two turns; the second one gives `last`
    assert list(plan.spaces) == ["units_1", "units_2", "units_3_1", "units_3_2", "units_4", "units_5_1", "units_5_2"]
    values = dict(zip(plan.spaces, [4, 8, 16, 8, 4, 16, 8], strict=True))
    written = plan.written(values)
    assert written == {"units": {"each_time": [4, 8, 16, 8, 4, 16, 8]}}
    state = compiled(f"inputs: {{x: [4]}}\n{layers}{REST}", tmp_path, written)
    assert units(state) == [8, 16, 8, 4, 4, 16, 8, 3, 1]


def test_one_item_uses_one_value(tmp_path: Path) -> None:
    state = compiled(
        """
inputs: {x: [4]}
params: {units: {each_time: [3, 5]}}
layers:
  - dense: {units: $units, if: $units > 2, name: of_$units, repeat: 1}
  - dense: {units: $units * 10 + $units, name: y}
""",
        tmp_path,
    )
    assert units(state) == [3, 55]
    assert state.graph is not None and [node.name for node in state.graph.nodes] == ["x", "of_3", "y"]


def test_a_shared_model_has_its_uses_once(tmp_path: Path) -> None:
    plan = planned(
        """
params: {units: {choice: [4, 8], each_time: true}}
models:
  Shared: {inputs: {z: [4]}, layers: [dense: $units, dense: $units, dense: 4]}
layers:
  - Shared
  - Shared
  - {dense: {units: 1, name: y}}
""",
        tmp_path,
    )
    assert list(plan.spaces) == ["units_1", "units_2"]


def test_the_default_stands_at_every_use_outside_of_a_search() -> None:
    assert units(compile_spec(SPEC)) == [8, 8, 4, 16, 4, 3]


def test_the_best_spec_has_the_values_in_the_order_of_use(tmp_path: Path) -> None:
    state = compile_spec(SPEC)
    plan = plan_of(state)
    assert state.data is not None
    values = {"depth": 2, "units_1_1": 24, "units_1_2": 8, "units_2": 16, "norm_1": True, "width_2": 6}
    text = best_spec(state.data, plan.written(values), None)
    assert yaml.safe_load(text)["params"] == {
        "depth": 2,
        "units": {"each_time": [24, 8, 16]},
        "norm": {"each_time": [True, False]},
        "width": {"each_time": [4, 6]},
    }
    best = compiled(text, tmp_path)
    assert units(best) == [24, 8, 4, 32, 6, 3]
    assert best.params is not None and not best.params.spaces


def test_what_is_not_used_has_its_default() -> None:
    plan = plan_of(compile_spec(SPEC, ("params.depth=0",)))
    assert plan.written({})["norm"] is False


@pytest.mark.parametrize("algorithm", ["random", "bayesian", "hyperband", "grid"])
def test_no_trial_differs_only_in_uses_that_it_does_not_have(algorithm: str) -> None:
    plan = plan_of(compile_spec(SPEC, (f"tune.algorithm={algorithm}", "tune.epochs=9", "params.width=4")))
    space = hyperparameters(plan.spaces, plan.conditions, grid=algorithm == "grid")
    oracle, tried = Driver(plan.tune, space, plan.epochs, plan.smaller), []
    while len(tried) < 30 and (proposal := oracle.propose()) is not None:
        depth = proposal.values["depth"]
        assert set(proposal.values) == {
            "depth", "units_2", *(f"{name}_{turn}" for name in ("units_1", "norm") for turn in range(1, depth + 1)),
        }  # fmt: skip
        tried.append((plan.key(proposal.values), proposal.epochs))
        oracle.tell(proposal.handle, sum(map(float, proposal.values.values())) % 1.0)
    assert len(tried) == len(set(tried)) > 10


def test_generated_code_has_the_default_as_an_argument_and_a_list_written_out(tmp_path: Path) -> None:
    code = emit_model(compile_spec(SPEC))
    assert "units: int = 8" in code and "for _ in range(depth)" in code
    state = compile_spec(SPEC, values={"depth": 2, "units": {"each_time": [24, 8, 16]}, "norm": False, "width": 4})
    code = emit_model(state)
    assert [f"Dense({size}" in code for size in (24, 8, 32)] == [True] * 3 and "for " not in code
