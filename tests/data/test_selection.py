"""Columns by pattern and by type."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlspec.components.sections.data import Data
from dlspec.components.sections.selection import Selection
from dlspec.data.binding.signature import Signature
from dlspec.data.feeding.raw import Training
from dlspec.passes import compile_spec

HEAD = "id,price_a,price_b,rooms,city,sold,price_next,when,a.b (m)"
SPEC = """
layers: [{{dense: {{units: 1, activation: sigmoid}}}}]
data:
  source: {{csv: w.csv}}
  inputs: {{x: {inputs}}}
  targets: {targets}
  split: {{test: 0.2, by: {{time: when}}}}
train: {{loss: binary_crossentropy}}
"""


def section(folder: Path, inputs: str, targets: str = "{sold: sold}") -> Data:
    """The section of a spec without errors."""
    rows = [f"{i},{i / 7},{i % 4}.5,{i % 5},{'ab'[i % 2]},{i % 3 % 2},{i % 2},{i},{i * i}" for i in range(40)]
    (folder / "w.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    (folder / "w.yaml").write_text(SPEC.format(inputs=inputs, targets=targets))
    state = compile_spec(folder / "w.yaml")
    assert not state.diagnostics.errors, [error.message for error in state.diagnostics.errors]
    assert state.data_section is not None
    return state.data_section


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("{columns: price_*}", ("price_a", "price_b", "price_next")),
        ("{columns: [rooms, '*_a']}", ("price_a", "rooms")),
        ("{columns: {type: number, except: [id, 'price*']}}", ("rooms", "a.b (m)")),
        ("{columns: 'a.b (*'}", ("a.b (m)",)),
        ("{columns: {type: text}, prepare: [{string_lookup: {output_mode: one_hot}}]}", ("city",)),
        ("{columns: [id, rooms]}", ("id", "rooms")),
    ],
)
def test_inputs(tmp_path: Path, written: str, names: tuple[str, ...]) -> None:
    assert section(tmp_path, written).features["x"].sources == names


def test_neither_targets_nor_what_the_split_asks_for_enter(tmp_path: Path) -> None:
    found = section(tmp_path, "{columns: {except: [city]}}", "{sold: {columns: '*_next'}}")
    assert found.targets["sold"].sources == ("price_next",)
    assert found.features["x"].sources == ("id", "price_a", "price_b", "rooms", "sold", "a.b (m)")


def test_later_examples_are_asked_for_the_columns_of_the_training(tmp_path: Path) -> None:
    data = section(tmp_path, "{columns: price_*, missing: median}")
    recorded = {"x": ["price_a", "price_b"]}
    training = Training(data, tmp_path, Signature({}, {}), inputs=recorded)
    assert training.section.features["x"].sources == ("price_a", "price_b")
    assert training.section.features["x"].policy.name == "median"
    lost = type(data)(**{**data.given, "inputs": {"x": type(data.features["x"])(columns=Selection(("price_*",)))}})
    assert Training(lost, tmp_path, Signature({}, {}), inputs=recorded).section.features["x"].sources == (
        "price_a",
        "price_b",
    )
