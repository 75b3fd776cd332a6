"""``dlspec export --quantize``: small files of trained models, what that costs, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlspec.cli.main import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

# The network of the facts that the limits come from: two convolutions and two dense layers, 53,130 parameters.
CNN = """
name: digits
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 16, kernel_size: 3, padding: same, activation: relu}
  - max_pooling2d
  - conv2d: {filters: 32, kernel_size: 3, padding: same, activation: relu}
  - flatten
  - dense: {units: 92, activation: relu}
  - dense: {units: 10, activation: softmax, name: digit}
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
  targets: {digit: target}
  split: {test: 0.25, by: stratified}
train: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 4}
"""
IRIS = """
name: iris
inputs: {x: [4]}
layers:
LAYERS
data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, split: SPLIT}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""
# Little trained, so that some answers are close to others.
WINE = """
name: wine
inputs: {x: [13]}
layers:
  - dense: {units: 16, activation: relu}
  - dense: {units: 3, activation: softmax, name: kind}
data:
  source: {sklearn: wine}
  inputs: {x: {column: data, prepare: [normalization]}}
  targets: {kind: target}
  split: {test: 0.3}
train: {loss: sparse_categorical_crossentropy, epochs: 4}
"""
ATTENTION = """
  - reshape: {target_shape: [4, 1], name: seen}
  - multi_head_attention: {num_heads: 2, key_dim: 4, from: [seen, seen], name: looks}
  - flatten
  - dense: {units: 3, activation: softmax, name: kind}"""
POOLED = """
  - reshape: [4, 1]
  - conv1d: {filters: 3, kernel_size: 2}
  - global_average_pooling1d
  - activation: {activation: softmax, name: kind}"""
DENSE = "\n  - dense: {units: 3, activation: softmax, name: kind}"


def trained(folder: Path, text: str) -> Path:
    """The folder of a run."""
    spec = folder / "spec.yaml"
    spec.write_text(text)
    assert run(["train", str(spec), "--quiet", "--runs", str(folder / "runs")]) == 0
    return next((folder / "runs").glob("*/*"))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("digits"), CNN)


def exported(capsys: Any, digits: Path, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["export", str(digits), "--allow-outside", "--format", "json", *arguments]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_litert_in_whole_numbers(digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "digits.tflite"
    facts = exported(capsys, digits, "--to", "litert", "--quantize", "int8", "--limit", "0.005", "-o", str(path))
    quantized = facts["quantized"]
    assert facts["bytes"] == path.stat().st_size <= 0.31 * quantized["bytes_before"]
    assert (quantized["mode"], quantized["part"]) == ("int8", "test")
    output = quantized["outputs"]["digit"]
    assert output["measure"] == "accuracy" and output["before"] > 0.9
    assert abs(output["before"] - output["after"]) <= 0.005
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    assert np.int8 in {detail["dtype"] for detail in interpreter.get_tensor_details()}
    assert [detail["dtype"] for detail in interpreter.get_input_details()] == [np.float32]


@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_keras_in_few_bits(mode: str, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "digits.keras"
    facts = exported(capsys, digits, "--to", "keras", "--quantize", mode, "-o", str(path))
    assert facts["verified"] and facts["differences"] == {"digit": 0.0}
    assert facts["bytes"] < 0.75 * facts["quantized"]["bytes_before"]
    output = facts["quantized"]["outputs"]["digit"]
    assert abs(output["before"] - output["after"]) <= 0.02
    loaded = keras.saving.load_model(path)
    assert {str(weight.dtype) for weight in loaded.weights} > {"int8"}


def test_a_loss_beyond_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = trained(tmp_path, WINE)
    arguments = ["export", str(folder), "--allow-outside", "--to", "keras", "--quantize", "int4", "--limit", "0"]
    path = tmp_path / "small.keras"
    assert run([*arguments, "-o", str(path)]) == 1
    message = capsys.readouterr().err
    assert "error[E707]: int4 answers worse on the test split: accuracy of `kind`" in message, message
    assert not path.exists()


@pytest.mark.parametrize(
    ("layers", "split", "message"),
    [
        (ATTENTION, "{test: 0.2}", "error[E706]: Keras cannot load a file with `"),
        (POOLED, "{test: 0.2}", "error[E706]: Keras quantizes `dense`, `einsum_dense` and `embedding`"),
        (DENSE, "{}", "error[E706]: the run has neither a test nor a validation split"),
    ],
)
def test_what_keras_cannot_quantize_or_nobody_could_measure(
    layers: str, split: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(tmp_path, IRIS.replace("\nLAYERS", layers).replace("SPLIT", split))
    path = tmp_path / "a.keras"
    arguments = ["export", str(folder), "--allow-outside", "--to", "keras", "--quantize", "int8", "-o", str(path)]
    assert run(arguments) == 1
    assert message in capsys.readouterr().err and not path.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("--to onnx --quantize int8 -o a.onnx", 1, "error[E706]: `--to onnx` does not support `--quantize int8`"),
        ("--to litert --quantize int4 -o a.tflite", 1, "error[E706]: `--to litert` does not support `--quantize int4`"),
        ("--project a --quantize int8", 1, "error[E706]: `--to project` does not support"),
        ("--to keras --limit 0.1 -o a.keras", 2, "--limit goes with --quantize"),
        ("--to keras --quantize int8 -o a.keras", 2, "--quantize is for runs"),
    ],
)
def test_refused_before_anything_starts(
    arguments: str, status: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text(IRIS.replace("\nLAYERS", DENSE).replace("SPLIT", "{test: 0.2}"))
    assert run(["export", str(spec), *arguments.split()]) == status
    assert message in capsys.readouterr().err
