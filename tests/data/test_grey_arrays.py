"""Grey pictures without an axis of channels, before layers that take pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlspec.cli.main import run

SPEC = """
inputs: {small: [4, 4, 1]}
layers: [flatten, {dense: 1}]
data:
  source: {npz: a.npz}
  inputs: {small: {column: pictures, prepare: [{rescaling: 0.5}, {resizing: {height: 4, width: 4}}]}}
  targets: {y: y}
train: {loss: mse, epochs: 1}
"""


def test_they_get_the_axis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halving by bilinear interpolation is the mean of four pixels; the answers follow from the saved weights."""
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    monkeypatch.chdir(tmp_path)
    pictures = np.random.default_rng(0).random((6, 8, 8), np.float32)
    np.savez("a.npz", pictures=pictures, y=pictures.mean((1, 2)))
    Path("a.yaml").write_text(SPEC)
    assert run(["train", "a.yaml"]) == 0
    assert run(["evaluate", "a", "--data", "a.npz"]) == 0
    assert run(["predict", "a", "a.npz", "-o", "answers.npz"]) == 0
    kernel, bias = open_run(find_run("a", Path("runs"))).model.get_weights()
    small = 0.5 * pictures.reshape(6, 4, 2, 4, 2).mean((2, 4)).reshape(6, 16)
    with np.load("answers.npz") as answers:
        np.testing.assert_allclose(answers["y"], small @ kernel + bias, rtol=1e-5, atol=1e-6)
