"""Small real runs of every kind of question, for the tests of their reports."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.training.run.report import Report
from dlspec.training.train import request_of, run

HOSTILE = ("<script>alert(1)</script>", 'a & b\'s "x"', "plain `code`", "</style><b>bold")

DIGITS = """
name: digits
inputs: {image: [8, 8, 1]}
layers: [{conv2d: {filters: 8, kernel_size: 3, activation: relu}}, flatten, {dense: {units: 10, activation: softmax}}]
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
  targets: {digit: target}
  split: {validation: 0.15, test: 0.2, by: stratified}
train: {loss: sparse_categorical_crossentropy, optimizer: {adam: 5e-3}, metrics: [accuracy], epochs: 3}
"""
DIABETES = """
name: diabetes
description: The course of a disease from ten measures.
layers: [{dense: {units: 16, activation: relu}}, {dense: 1}]
data:
  source: {sklearn: diabetes}
  inputs: {measures: {columns: [age, sex, bmi, bp, s1, s2, s3, s4, s5, s6], prepare: [normalization]}}
  targets: {progression: target}
  split: {validation: 0.15, test: 0.2, seed: 3}
train: {loss: mse, optimizer: {adam: 0.05}, metrics: [mae], epochs: 20}
"""
SHAPES = """
name: shapes
inputs: {image: [16, 16, 3]}
layers:
  - rescaling: 1 / 255
  - conv2d: {filters: 8, kernel_size: 5, padding: same, activation: relu, name: fine}
  - conv2d: {filters: 8, kernel_size: 3, strides: 2, padding: same, activation: relu}
  - up_sampling2d: 2
  - concatenate: [fine, prev]
  - conv2d: {filters: 3, kernel_size: 3, padding: same, activation: softmax, name: mask}
data:
  source: {npz: shapes.npz}
  inputs: {image: {column: image}}
  targets: {mask: mask}
  split: {validation: 0.2, test: 0.2}
train: {loss: sparse_categorical_crossentropy, optimizer: {adam: 0.02}, metrics: [accuracy], epochs: 8}
"""
CANCER = """
name: cancer
layers: [{dense: {units: 1, activation: linear}}]
data:
  source: {sklearn: breast_cancer}
  inputs: {measures: {column: data, prepare: [normalization]}}
  targets: {benign: target}
  split: {test: 0.3, by: stratified}
train:
  loss: {binary_crossentropy: {from_logits: true}}
  optimizer: {adam: 0.05}
  metrics: [{binary_accuracy: {threshold: 1.0e-9}}]
  log: tensorboard
  epochs: 8
"""
STRANGE = """
name: strange
description: "</p><script>alert('description')</script> & <b>bold</b>"
layers: [{dense: {units: 8, activation: relu}}, {dense: {units: 4, activation: softmax}}]
data:
  source: {csv: strange.csv}
  inputs: {x: {columns: ["</table><script>x", "two$$y$$"]}}
  targets: {y: label}
  split: {test: 0.3}
train: {loss: sparse_categorical_crossentropy, epochs: 2}
"""


def train(folder: Path, text: str) -> Report:
    """One run of a spec in `folder`."""
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    state = compile_spec(path)
    assert isinstance(state, Checked), state.diagnostics.errors
    return run(replace(request_of(state.trainable()), command="dlspec train spec.yaml"), folder / "runs")


def write_shapes(folder: Path) -> None:
    """Discs and squares before a dark ground, with their masks."""
    chance = np.random.default_rng(0)
    images, masks = np.zeros((80, 16, 16, 3), np.uint8), np.zeros((80, 16, 16), np.int64)
    rows, columns = np.mgrid[:16, :16]
    for image, mask in zip(images, masks, strict=True):
        image[:] = chance.integers(0, 80, (16, 16, 3))
        for kind in (1, 2):
            y, x, size = *chance.integers(4, 13, 2).tolist(), int(chance.integers(2, 5))
            near = (rows - y) ** 2 + (columns - x) ** 2 < size**2
            inside = near if kind == 1 else (abs(rows - y) < size) & (abs(columns - x) < size)
            mask[inside] = kind
            image[inside] = [200, 90, 40] if kind == 1 else [60, 200, 220]
    np.savez(folder / "shapes.npz", image=images, mask=masks)


def write_strange(folder: Path) -> None:
    """A table whose names and values try to be more than text."""
    chance = np.random.default_rng(0)
    with (folder / "strange.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["</table><script>x", "two$y$", "label"])
        for _ in range(120):
            label = int(chance.integers(4))
            writer.writerow([chance.normal() + label, chance.normal() - label, HOSTILE[label]])
