"""Generated modules against built models: every spec of the gallery, and random ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlspec.emit.module import emit_model, flat, structured
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
