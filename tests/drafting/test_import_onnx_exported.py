"""``dlspec import`` of what dlspec itself exports to ONNX: the model comes back, and computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from dlspec.backends.keras.build import build
from dlspec.export.formats.onnx_file import OnnxFile
from dlspec.passes import Checked
from tests.drafting.onnx_models import assert_equal
from tests.support import compile_text

SPECS = {
    "a small LeNet": (
        """
inputs: {image: [20, 20, 1]}
layers:
  - conv2d: {filters: 6, kernel_size: 5, padding: same, activation: tanh}
  - average_pooling2d: 2
  - conv2d: {filters: 8, kernel_size: 3, activation: relu}
  - max_pooling2d
  - flatten
  - dense: {units: 12, activation: gelu}
  - dense: {units: 10, activation: softmax}
""",
        """
  - conv2d: {filters: 6, kernel_size: 5, padding: same, activation: tanh}
  - average_pooling2d: 2
  - conv2d: {filters: 8, kernel_size: 3, activation: relu}
  - max_pooling2d
  - flatten
""",
    ),
    "separable and residual": (
        """
inputs: {image: [16, 16, 3]}
layers:
  - conv2d: {filters: 8, kernel_size: 3, strides: 2, padding: same, use_bias: false}
  - batch_normalization
  - activation: relu6
  - residual:
      - separable_conv2d: {filters: 8, kernel_size: 3, padding: same}
      - batch_normalization
      - activation: silu
      - depthwise_conv2d: {kernel_size: 3, padding: same}
  - conv2d_transpose: {filters: 4, kernel_size: 3, strides: 2, padding: same}
  - global_average_pooling2d
  - dense: 3
""",
        "  - conv2d: {filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu6}\n",
    ),
    "dense": (
        """
inputs: {features: [12]}
layers:
  - dense: {units: 16, activation: relu}
  - batch_normalization
  - dropout: 0.3
  - dense: {units: 8, activation: silu}
  - layer_normalization
  - dense: {units: 3, activation: softmax}
""",
        "dense: {units: 16, activation: relu}",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_what_was_exported_comes_back(name: str, tmp_path: Path) -> None:
    text, expected = SPECS[name]
    state = compile_text(tmp_path, text)
    assert isinstance(state, Checked), state.diagnostics.errors
    model = build(state.graph)
    random = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(np.abs(np.array(weight) + random.normal(size=weight.shape) * 0.1))
    model(np.zeros((1, *model.inputs[0].shape[1:]), np.float32))
    OnnxFile().write(model, model, tmp_path / "exported.onnx")
    draft = assert_equal(tmp_path / "m.onnx", onnx.load(tmp_path / "exported.onnx"))
    assert expected.strip("\n") in draft.text
