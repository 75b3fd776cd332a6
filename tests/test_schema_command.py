"""`dlspec schema`: the language's schema, and that of one spec."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dlspec.syntax.source import load
from tests.support import ROOT, SPECS, dlspec_here

SPEC = """
params: {width: 8}
inputs: {x: [4]}
blocks:
  Unit:
    params: {size: 3, act}
    layers: [{dense: {units: $size, activation: $act}}]
layers:
  - dense: {units: $width, name: first}
  - Unit: {act: relu}
"""


def test_the_schema_is_the_published_one() -> None:
    assert dlspec_here("schema").stdout == (ROOT / "schemas/spec.json").read_text(encoding="utf-8")


def test_the_schema_of_a_spec_knows_its_names(tmp_path: Path) -> None:
    path, output = tmp_path / "spec.yaml", tmp_path / "schema.json"
    path.write_text(SPEC)
    assert dlspec_here("schema", "--for", str(path), "-o", str(output)).returncode == 0
    own = json.loads(output.read_text())
    Draft202012Validator.check_schema(own)
    body = own["$defs"]["layer_body"]
    assert {"from", "repeat", "size", "act"} <= set(body["properties"]["Unit"]["properties"])
    assert body["properties"]["Unit"]["properties"]["size"]["default"] == 3
    assert own["$defs"]["step.from"]["examples"] == ["x", "first"]
    assert own["properties"]["params"]["properties"]["width"]["default"] == 8
    assert not list(Draft202012Validator(own).iter_errors(load(SPEC).data))
    wrong = load(SPEC.replace("first}", "first, size: 3}")).data
    assert list(Draft202012Validator(own).iter_errors(wrong))


@pytest.mark.parametrize("spec", SPECS[::6])
def test_specs_fit_their_own_schemas(spec: str) -> None:
    own = json.loads(dlspec_here("schema", "--for", str(ROOT / spec)).stdout)
    data = load((ROOT / spec).read_text(encoding="utf-8")).data
    assert not list(Draft202012Validator(own).iter_errors(data))


def test_what_is_no_yaml_is_told(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("layers: [")
    done = dlspec_here("schema", "--for", str(path))
    assert done.returncode == 1 and "Y004" in done.stderr and not done.stdout
