"""``dlspec import`` of ONNX files in the form of PyTorch's exporter: the spec computes what onnxruntime does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from dlspec.backends.importing.onnx.source import read_onnx_source
from dlspec.cli.main import run
from dlspec.drafting.models.drafting import drafted
from tests.drafting.onnx_models import Maker, assert_equal


def mlp() -> Any:
    make = Maker(1)
    x = make.node("Relu", make.gemm("features", 12, 16))
    x = make.norm(x, 16)
    x = make.node("LeakyRelu", make.gemm(x, 16, 16), alpha=0.2)
    x = make.node("Add", make.node("MatMul", x, make.weight(16, 8)), make.weight(8))
    x = make.node("Mul", x, make.node("Sigmoid", x))
    return make.model({"classes": make.node("Softmax", make.gemm(x, 8, 3), axis=-1)}, features=[12])


def lenet() -> Any:
    make = Maker(2)
    x = make.node("Tanh", make.conv("image", 1, 6, 5, bias=True))
    x = make.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = make.node("Tanh", make.conv(x, 6, 16, 5, bias=True, pads=[0] * 4))
    x = make.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = make.node("Flatten", x, axis=1)
    x = make.node("Relu", make.gemm(x, 16 * 5 * 5, 20))
    return make.model({"logits": make.gemm(x, 20, 10)}, image=[1, 28, 28])


def basic_block(make: Maker, x: str, before: int, after: int, stride: int) -> str:
    y = make.node("Relu", make.norm(make.conv(x, before, after, strides=[stride] * 2), after))
    y = make.norm(make.conv(y, after, after), after)
    if stride > 1 or before != after:
        x = make.norm(make.conv(x, before, after, 1, strides=[stride] * 2, pads=[0] * 4), after)
    return make.node("Relu", make.node("Add", y, x))


def resnet() -> Any:
    """ResNet-18 with an eighth of the channels."""
    make = Maker(3)
    x = make.node("Relu", make.norm(make.conv("input", 3, 8, 7, strides=[2, 2]), 8))
    x = make.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, ceil_mode=0)
    before = 8
    for number, channels in enumerate((8, 16, 32, 64)):
        x = basic_block(make, x, before, channels, 2 if number else 1)
        x = basic_block(make, x, channels, channels, 1)
        before = channels
    x = make.node("Flatten", make.node("GlobalAveragePool", x), axis=1)
    return make.model({"output": make.gemm(x, 64, 10)}, input=[3, 64, 64])


def vgg() -> Any:
    make = Maker(4)
    x, before = "input", 3
    for channels, count in ((4, 1), (8, 2), (16, 3)):
        for _ in range(count):
            x = make.node("Relu", make.conv(x, before, channels, bias=True))
            before = channels
        x = make.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = make.node("Reshape", x, make.constant(np.array([-1, 16 * 16], np.int64)))
    x = make.node("Dropout", make.node("Relu", make.gemm(x, 256, 32)))
    return make.model({"output": make.gemm(x, 32, 10)}, input=[3, 32, 32])


def inverted(make: Maker, x: str, before: int, after: int, stride: int) -> str:
    low, high = make.constant(np.float32(0)), make.constant(np.float32(6))
    wide = before * 6
    y = make.node("Clip", make.norm(make.conv(x, before, wide, 1, pads=[0] * 4), wide), low, high)
    y = make.node("Clip", make.norm(make.conv(y, wide, wide, groups=wide, strides=[stride] * 2), wide), low, high)
    y = make.norm(make.conv(y, wide, after, 1, pads=[0] * 4), after)
    return make.node("Add", x, y) if stride == 1 and before == after else y


def mobilenet() -> Any:
    make = Maker(5)
    low, high = make.constant(np.float32(0)), make.constant(np.float32(6))
    x = make.node("Clip", make.norm(make.conv("input", 3, 8, strides=[2, 2]), 8), low, high)
    before = 8
    for after, stride in ((8, 1), (12, 2), (12, 1), (16, 2), (16, 1), (16, 1)):
        x, before = inverted(make, x, before, after, stride), after
    x = make.node("ReduceMean", x, axes=[2, 3], keepdims=0)
    return make.model({"output": make.gemm(x, 16, 10)}, input=[3, 48, 48])


def densenet() -> Any:
    make = Maker(6)
    x = make.conv("input", 3, 8)
    channels = 8
    for block in range(2):
        for _ in range(3):
            y = make.conv(make.node("Relu", make.norm(x, channels)), channels, 16, 1, pads=[0] * 4)
            y = make.conv(make.node("Relu", make.norm(y, 16)), 16, 4)
            x, channels = make.node("Concat", x, y, axis=1), channels + 4
        if not block:
            x = make.conv(make.node("Relu", make.norm(x, channels)), channels, channels // 2, 1, pads=[0] * 4)
            x, channels = make.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), channels // 2
    x = make.node("Relu", make.norm(x, channels))
    x = make.node("Flatten", make.node("GlobalAveragePool", x), axis=1)
    return make.model({"output": make.gemm(x, channels, 5)}, input=[3, 32, 32])


def unet(transposed: bool) -> Any:
    make = Maker(7)

    def double(x: str, before: int, after: int) -> str:
        x = make.node("Relu", make.norm(make.conv(x, before, after), after))
        return make.node("Relu", make.norm(make.conv(x, after, after), after))

    first = double("image", 3, 8)
    second = double(make.node("MaxPool", first, kernel_shape=[2, 2], strides=[2, 2]), 8, 16)
    third = double(make.node("MaxPool", second, kernel_shape=[2, 2], strides=[2, 2]), 16, 32)

    def up(x: str, channels: int) -> str:
        if transposed:
            weights = [make.weight(channels, channels // 2, 2, 2), make.weight(channels // 2)]
            return make.node("ConvTranspose", x, *weights, kernel_shape=[2, 2], strides=[2, 2])
        scales = make.constant(np.array([1, 1, 2, 2], np.float32))
        x = make.node("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
        return make.conv(x, channels, channels // 2, 1, bias=True, pads=[0] * 4)

    x = double(make.node("Concat", up(third, 32), second, axis=1), 32, 16)
    x = double(make.node("Concat", up(x, 16), first, axis=1), 16, 8)
    x = make.node("Sigmoid", make.conv(x, 8, 1, 1, bias=True, pads=[0] * 4))
    return make.model({"mask": x}, image=[3, 32, 32])


MODELS: dict[str, tuple[Callable[[], Any], int]] = {
    "mlp": (mlp, 14),
    "lenet": (lenet, 16),
    "resnet": (resnet, 41),
    "vgg": (vgg, 22),
    "mobilenet": (mobilenet, 45),
    "densenet": (densenet, 45),
    "unet, transposed": (lambda: unet(True), 45),
    "unet, resized": (lambda: unet(False), 45),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_pytorch_computes_the_same(name: str, tmp_path: Path) -> None:
    made, lines = MODELS[name]
    draft = assert_equal(tmp_path / "model.onnx", made())
    assert draft.text.count("\n") <= lines


def test_notes_say_which_axes_moved(tmp_path: Path) -> None:
    path = tmp_path / "unet.onnx"
    onnx.save(unet(True), path)
    assert drafted(read_onnx_source(path)).text.split("\n")[:4] == [
        "# imported from unet.onnx",
        "# `image` is [32, 32, 3] here, [3, 32, 32] in the file",
        "# the output is [32, 32, 1] here, [1, 32, 32] in the file",
        "name: unet",
    ]


def test_the_command_writes_spec_and_weights_that_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    onnx.save(resnet(), tmp_path / "model.onnx")
    spec = tmp_path / "model.yaml"
    assert run(["import", str(tmp_path / "model.onnx"), "-o", str(spec)]) == 0
    assert "model.weights.h5: 102 tensors" in capsys.readouterr().err
    assert "start_from: {file: model.weights.h5, match: order}" in spec.read_text()
    started = spec.read_text() + (
        "data: {source: {npz: d.npz}, inputs: {x: x}, targets: {output: y}}\n"
        "train: {loss: mse, start_from: {file: model.weights.h5, match: order}}\n"
    )
    np.savez(tmp_path / "d.npz", x=np.zeros((8, 64, 64, 3), np.float32), y=np.zeros((8, 10), np.float32))
    spec.write_text(started)
    assert run(["check", str(spec)]) == 0
    captured = capsys.readouterr()
    assert "102 of 102 tensors fit `model.weights.h5`" in captured.out + captured.err
    assert run(["import", str(tmp_path / "model.onnx"), "-o", str(tmp_path / "model.yml")]) == 2
    assert "model.weights.h5` exists; --force overwrites it" in capsys.readouterr().err
