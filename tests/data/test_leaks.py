"""Targets among the inputs (W604), and targets that a loss or metric is not made for (E618, W605)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bad_inputs import diagnose
from builders import write

SPEC = """\
layers: [{{dense: {{units: {units}, activation: {activation}}}}}]
data:
  source: {{csv: a.csv}}
  inputs: {{x: {{columns: [other, {column}]}}}}
  targets: {{y: {target}}}
train: {{loss: {loss}}}
"""
ROWS = 240


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Numbers, classes and codes, and columns from which they follow or do not."""
    random = np.random.default_rng(0)
    value = np.exp(random.normal(size=ROWS))
    kind = np.where(value > 1.3, "late", np.where(value > 0.6, "mid", "early"))
    columns = {
        "other": random.normal(size=ROWS),
        "value": value,
        "kind": kind,
        "copy": value,
        "tenfold": -10 * value,
        "log": np.log(value),
        "near": np.log(value) + random.normal(scale=0.05, size=ROWS),
        "today": value - 0.6 * (kind == "mid"),
        "size": value,
        "code": np.select([kind == "late", kind == "mid"], [random.choice([3, 8], ROWS), 7], 9),
        "row": np.arange(ROWS),
        "group": random.integers(0, 9, ROWS),
        "gap": [number if row % 7 else "" for row, number in enumerate(value)],
        "signed": value - 1,
        "zero": value * (np.arange(ROWS) != 5),
    }
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    write(tmp_path, "a.csv", "\n".join(lines) + "\n")
    return tmp_path


def said(folder: Path, column: str, target: str, loss: str = "mse") -> list[tuple[str, str]]:
    units, activation = (3, "softmax") if loss.startswith("sparse") else (1, "linear")
    text = SPEC.format(units=units, activation=activation, column=column, target=target, loss=loss)
    if column == "gap":
        text = text.replace("gap]", "gap], missing: median")
    return [(one.code, one.message) for one in diagnose(folder, text)]


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("copy", "they are equal"),
        ("tenfold", "each grows or falls with the other"),
        ("log", "each grows or falls with the other"),
        ("gap", "they are equal"),
    ],
)
def test_a_number_that_follows_from_an_input(folder: Path, column: str, how: str) -> None:
    assert said(folder, column, "value") == [("W604", f"target `y` follows from column `{column}`: {how}")]


@pytest.mark.parametrize(
    ("column", "how"),
    [("size", "its size tells the class"), ("code", "each of its values comes with one of the target")],
)
def test_a_class_that_follows_from_an_input(folder: Path, column: str, how: str) -> None:
    found = said(folder, column, "kind", "sparse_categorical_crossentropy")
    assert found == [("W604", f"target `y` follows from column `{column}`: {how}")]


# What else is wrong with a column.
OTHERWISE = {"row": [("W607", "column `row` numbers the rows")]}


@pytest.mark.parametrize(("column", "target"), [("near", "value"), ("row", "value"), ("group", "value")])
def test_columns_that_only_help(folder: Path, column: str, target: str) -> None:
    assert said(folder, column, target) == OTHERWISE.get(column, [])


@pytest.mark.parametrize("column", ["near", "row", "group", "today"])
def test_columns_that_only_help_to_tell_classes(folder: Path, column: str) -> None:
    assert said(folder, column, "kind", "sparse_categorical_crossentropy") == OTHERWISE.get(column, [])


def test_the_target_itself(folder: Path) -> None:
    assert said(folder, "value", "value") == [("W604", "column `value` is target `y` itself")]


@pytest.mark.parametrize(("output", "warned"), [("y", []), ("[y, seen]", ["column `value` is target `y` itself"])])
def test_an_input_that_only_a_loss_needs(folder: Path, output: str, warned: list[str]) -> None:
    """The teacher of a distillation sees the label, the model that answers does not."""
    text = f"""\
inputs: {{x: [2], label: [1]}}
layers:
  - dense: {{from: x, units: 1, name: y}}
  - dense: {{from: label, units: 1, name: seen}}
  - losses.mse: {{from: [seen, y], name: apart}}
outputs: {output}
data:
  source: {{csv: a.csv}}
  inputs: {{x: {{columns: [other, near]}}, label: {{columns: [value]}}}}
  targets: {{y: value}}
train: {{loss: {{y: mse}}, minimize: apart}}
"""
    assert [one.message for one in diagnose(folder, text) if one.code == "W604"] == warned


def test_what_a_model_shall_give_back(folder: Path) -> None:
    text = SPEC.format(units=2, activation="linear", column="value", target="{columns: [other, value]}", loss="mse")
    assert diagnose(folder, text) == []


@pytest.mark.parametrize(("loss", "code"), [("msle", "E618"), ("poisson", "E618"), ("mape", "W605")])
def test_negative_targets(folder: Path, loss: str, code: str) -> None:
    ((found, message),) = said(folder, "group", "signed", loss)
    assert found == code
    assert message.endswith(f"takes targets {'above' if loss == 'mape' else 'from'} 0, column `signed` holds -0.123751")


@pytest.mark.parametrize(("loss", "codes"), [("msle", []), ("poisson", []), ("mape", ["W605"])])
def test_a_target_of_zero(folder: Path, loss: str, codes: list[str]) -> None:
    assert [code for code, _ in said(folder, "group", "zero", loss)] == codes


def test_metrics_are_a_warning_with_the_row(folder: Path) -> None:
    text = SPEC.format(units=1, activation="linear", column="group", target="zero", loss="mse")
    (found,) = diagnose(folder, text.replace("loss: mse", "loss: mse, metrics: [mae, mape]"))
    assert (found.code, found.notes[0].message) == ("W605", "found in a.csv, line 7")
    assert found.span is not None and found.span.column == text.splitlines()[-1].index("mse") + 21
