"""Small models of every kind that the tests export, as specs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlspec.backends.keras.build import build
from dlspec.export.formats.export import FORMATS, Outcome, export
from tests.support import compile_text

CNN = """
inputs: {image: [12, 12, 1]}
layers:
  - conv2d: {filters: 4, kernel_size: 3, activation: tanh}
  - batch_normalization
  - average_pooling2d: 2
  - flatten
  - dense: {units: 3, activation: softmax, name: digit}
"""
LSTM = """
inputs: {words: {shape: [6], dtype: int32}}
layers:
  - embedding: {input_dim: 7, output_dim: 4, mask_zero: true}
  - bidirectional: {layer: {lstm: {units: 3, unroll: true}}}
  - dense: 2
"""
ATTENTION = """
inputs: {tokens: [null, 8]}
layers:
  - multi_head_attention: {num_heads: 2, key_dim: 4, from: {query: tokens, value: tokens}}
  - layer_normalization
  - global_average_pooling1d
"""
SEVERAL = """
inputs: {numbers: [3], city: {shape: [], dtype: int32}}
layers:
  - embedding: {input_dim: 5, output_dim: 4, from: city, name: place}
  - concatenate: [numbers, place]
  - dense: {units: 8, activation: relu, name: trunk}
  - dense: {units: 1, from: trunk, name: price}
  - dense: {units: 1, activation: sigmoid, from: trunk, name: sold}
outputs: [sold, price]
"""
OURS = """
inputs: {image: [8, 8, 3]}
layers:
  - patch_extraction: 4
  - class_token
  - positional_embedding
  - layer_scale
  - stochastic_depth: 0.2
  - maxout: 4
"""
AUGMENTED = """
inputs: {image: [8, 8, 3]}
layers:
  - random_flip
  - random_rotation: 0.2
  - gaussian_noise: 0.5
  - flatten
"""
NORMALIZED = """
inputs: {measures: [3]}
layers:
  - normalization: {mean: [1.0, 2.0, 3.0], variance: [1.0, 4.0, 9.0]}
  - dense: 2
"""
MODELS = {
    "normalized": NORMALIZED,
    "cnn": CNN,
    "lstm": LSTM,
    "attention": ATTENTION,
    "several": SEVERAL,
    "ours": OURS,
    "augmented": AUGMENTED,
}


def built(folder: Path, text: str) -> Any:
    """The Keras model of a spec."""
    state = compile_text(folder, text)
    assert state.graph is not None and not state.diagnostics.errors, state.diagnostics.items
    return build(state.graph)


def exported(model: Any, target: str, folder: Path) -> Outcome:
    """`model` in the format `target`, in a file or folder ``model``."""
    form = FORMATS[target]()
    return export(model, form, folder / f"model{form.suffix}")
