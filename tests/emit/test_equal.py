"""Generated modules against built models: every spec of the gallery, and random ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlspec.emit.module import emit_model, flat, structured
from dlspec.passes import compile_spec
from tests.emit.equality import compare, compiled
from tests.random_specs import Writer
from tests.support import ROOT, SPECS

LARGE = {"vgg16", "resnet152", "deeplab", "fcn8s", "transformer", "vit_b16", "alexnet", "zfnet"}


def gallery() -> list[object]:
    """All specs that hold a model; the large ones last."""
    paths = [ROOT / path for path in SPECS]
    return [pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LARGE else []) for path in paths]


@pytest.mark.parametrize("path", gallery())
def test_a_spec_and_its_module_are_equal(path: Path) -> None:
    state = compiled(path)
    structured(state)  # no spec of the gallery falls back to a list of layers
    compare(state, emit_model(state))


OTHER_VALUES = {
    "segmentation/unet": {"width": 4, "classes": 3},
    "start/churn": {"depth": 3, "units": 64, "act": "gelu"},
    "cnn/resnet50": {"classes": 5, "depths": (1, 1, 2, 1)},
    "attention/attention_by_hand": {"width": 16},
    "attention/transformer": {"depth": 1, "width": 32, "heads": 2, "words": 50},
}


@pytest.mark.parametrize("spec", OTHER_VALUES)
def test_arguments_are_what_set_is_for_a_spec(spec: str) -> None:
    """`build_model(width=4)` is the model of `--set params.width=4`."""
    path = ROOT / "specs" / f"{spec}.yaml"
    values = OTHER_VALUES[spec]
    overrides = [f"params.{word}={json.dumps(value)}" for word, value in values.items()]
    compare(compile_spec(path, overrides), emit_model(compiled(path)), **values)


@pytest.mark.parametrize("seed", range(20))
def test_random_specs_and_their_modules_are_equal(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "random.yaml"
    path.write_text(Writer(seed).text(), encoding="utf-8")
    state = compiled(path)
    compare(state, emit_model(state))


def test_without_structure_a_module_is_equal_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dlspec.emit.module.structured", flat)
    for seed in range(5):
        path = tmp_path / "random.yaml"
        path.write_text(Writer(seed).text(), encoding="utf-8")
        state = compiled(path)
        compare(state, emit_model(state))
