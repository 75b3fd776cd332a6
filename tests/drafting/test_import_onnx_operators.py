# ruff: noqa: E501 - a table is easier to read with one use on each line
"""Each operator that an import knows, in many uses: the spec computes what onnxruntime does."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from dlspec.backends.importing.onnx.source import read_onnx_source
from dlspec.backends.importing.onnx.state import OPERATORS
from dlspec.drafting.models.drafting import drafted
from tests.drafting.onnx_models import Maker, assert_equal

Use = Callable[[Maker, str], str]


def floats(make: Maker, *values: Any) -> str:
    return make.constant(np.array(values[0] if len(values) == 1 else values, np.float32))


def whole(make: Maker, *values: int) -> str:
    return make.constant(np.array(values, np.int64))


def erf_gelu(make: Maker, x: str) -> str:
    error = make.node("Erf", make.node("Div", x, floats(make, 2**0.5)))
    return make.node("Mul", make.node("Mul", x, make.node("Add", error, floats(make, 1.0))), floats(make, 0.5))


def hard_swish(make: Maker, x: str) -> str:
    gate = make.node("Clip", make.node("Add", x, floats(make, 3.0)), floats(make, 0.0), floats(make, 6.0))
    return make.node("Div", make.node("Mul", x, gate), floats(make, 6.0))


def squeeze_excite(make: Maker, x: str) -> str:
    y = make.node("Relu", make.conv(make.node("GlobalAveragePool", x), 4, 2, 1, bias=True))
    return make.node("Mul", x, make.node("Sigmoid", make.conv(y, 2, 4, 1, bias=True)))


def old_squeeze_excite(make: Maker, x: str) -> str:
    y = make.node("Reshape", make.node("ReduceMean", x, axes=[2, 3]), whole(make, -1, 4))
    y = make.node("Reshape", make.node("Sigmoid", make.gemm(y, 4, 4)), whole(make, -1, 4, 1, 1))
    return make.node("Mul", x, y)


def shuffle(make: Maker, x: str) -> str:
    y = make.node("Reshape", x, whole(make, 0, 2, 2, 9, 9))
    return make.node("Reshape", make.node("Transpose", y, perm=[0, 2, 1, 3, 4]), whole(make, 0, 4, 9, 9))


def computed_flatten(make: Maker, x: str) -> str:
    size = make.node("Gather", make.node("Shape", x), make.constant(np.int64(0)), axis=0)
    target = make.node("Concat", make.node("Unsqueeze", size, whole(make, 0)), whole(make, -1), axis=0)
    return make.gemm(make.node("Relu", make.node("Reshape", x, target)), 324, 3)


def flat_norm(make: Maker, x: str) -> str:
    return make.gemm(make.norm(make.node("Flatten", x), 324), 324, 3)


def resized(make: Maker, x: str, factor: float, **said: Any) -> str:
    return make.node("Resize", x, "", floats(make, 1, 1, factor, factor), **said)


def transposed(make: Maker, x: str, size: int, bias: bool = True, **said: Any) -> str:
    weights = [make.weight(4, 3, size, size), *([make.weight(3)] if bias else [])]
    return make.node("ConvTranspose", x, *weights, kernel_shape=[size, size], **said)


def pool(kind: str, **said: Any) -> Use:
    return lambda make, x: make.node(kind, x, **{"kernel_shape": [3, 3], "strides": [2, 2], **said})


def simple(operator: str, **said: Any) -> Use:
    return lambda make, x: make.node(operator, x, **said)


IMAGES: dict[str, Use] = {
    "conv by channel": lambda make, x: make.conv(x, 4, 8, groups=4),
    "conv in groups": lambda make, x: make.conv(x, 4, 6, groups=2, bias=True),
    "conv with distances": lambda make, x: make.conv(x, 4, 3, dilations=[2, 2], pads=[2] * 4),
    "conv with uneven padding": lambda make, x: make.conv(x, 4, 3, pads=[0, 1, 2, 3]),
    "conv of auto padding": lambda make, x: make.node("Conv", x, make.weight(3, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv of low padding": lambda make, x: make.node("Conv", x, make.weight(3, 4, 2, 2), auto_pad="SAME_LOWER"),
    "conv by uneven strides": lambda make, x: make.conv(x, 4, 4, groups=4, strides=[2, 1]),
    "factors of a conv": lambda make, x: make.node("Mul", make.conv(x, 4, 3, bias=True), make.weight(1, 3, 1, 1)),
    "factors of channels": lambda make, x: make.node("Mul", make.conv(x, 4, 8, groups=4), make.weight(1, 8, 1, 1)),
    "offsets of a conv": lambda make, x: make.node("Add", make.conv(x, 4, 3), make.weight(3, 1, 1)),
    "factors": lambda make, x: make.node("Mul", x, make.weight(4, 1, 1)),
    "offsets": lambda make, x: make.node("Add", make.weight(1, 4, 9, 9), x),
    "less": lambda make, x: make.node("Sub", make.weight(4, 1, 1), x),
    "transposed": lambda make, x: transposed(make, x, 2, strides=[2, 2]),
    "transposed and padded": lambda make, x: transposed(make, x, 3, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]),
    "transposed and cut": lambda make, x: transposed(make, x, 4, strides=[2, 2], pads=[1] * 4),
    "transposed over gaps": lambda make, x: transposed(make, x, 2, bias=False, strides=[3, 3]),
    "transposed, factors": lambda make, x: make.node("Mul", transposed(make, x, 2), make.weight(3, 1, 1)),
    "max": pool("MaxPool"),
    "max, padded": pool("MaxPool", pads=[1] * 4),
    "max, rounded up": pool("MaxPool", kernel_shape=[2, 2], ceil_mode=1),
    "max, same": pool("MaxPool", auto_pad="SAME_UPPER"),
    "max of what is positive": lambda make, x: make.node("MaxPool", make.node("Relu", x), kernel_shape=[2, 2], pads=[1] * 4),
    "mean": pool("AveragePool"),
    "mean, padded": pool("AveragePool", pads=[1] * 4, count_include_pad=1),
    "mean, same": pool("AveragePool", strides=[1, 1], pads=[1] * 4),
    "whole max": simple("GlobalMaxPool"),
    "mean of rows": simple("ReduceMean", axes=[3], keepdims=0),
    "mean of channels": simple("ReduceMean", axes=[1]),
    "largest": simple("ReduceMax", axes=[2, 3], keepdims=0),
    "length": simple("ReduceL2", axes=[1]),
    "slopes": lambda make, x: make.node("PRelu", x, make.weight(4, 1, 1)),
    "instances": lambda make, x: make.node("InstanceNormalization", x, make.weight(4), make.weight(4)),
    "neighbours": simple("LRN", size=3, alpha=0.3, beta=0.75, bias=2.0),
    "softmax of channels": simple("Softmax", axis=1),
    "softmax of rows": simple("Softmax", axis=3),
    "twice": lambda make, x: resized(make, x, 2, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    "thrice": lambda make, x: resized(make, x, 3, mode="nearest"),
    "smooth": lambda make, x: resized(make, x, 2, mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    "smaller": lambda make, x: resized(make, x, 1 / 3, mode="linear"),
    "zeros": lambda make, x: make.node("Pad", x, whole(make, 0, 0, 1, 2, 0, 0, 3, 0)),
    "mirrored": lambda make, x: make.node("Pad", x, whole(make, 0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"),
    "filled": lambda make, x: make.node("Pad", x, whole(make, 0, 1, 0, 0, 0, 0, 0, 0), floats(make, 2.0)),
    "slice": lambda make, x: make.node("Slice", x, whole(make, 1, 2), whole(make, 3, 1000), whole(make, 1, 3)),
    "split": lambda make, x: make.node("Sub", *make.node("Split", x, outputs=2, axis=1)),
    "index": lambda make, x: make.node("Gather", x, make.constant(np.int64(2)), axis=2),
    "squeeze and excite": squeeze_excite,
    "squeeze and excite with dense": old_squeeze_excite,
    "shuffle": shuffle,
    "flat by its shape": computed_flatten,
    "flat and normal": flat_norm,
    "tokens": lambda make, x: make.node("Transpose", make.node("Reshape", x, whole(make, 0, 4, 81)), perm=[0, 2, 1]),
    "channels last": lambda make, x: make.node("MatMul", make.node("Transpose", x, perm=[0, 2, 3, 1]), make.weight(4, 3)),
    "other axes": lambda make, x: make.node("Transpose", x, perm=[0, 3, 1, 2]),
    "with its mirror": lambda make, x: make.node("Concat", x, make.node("Transpose", x, perm=[0, 1, 3, 2]), axis=1),
    "sum": lambda make, x: make.node("Sum", x, make.node("Abs", x), make.node("Neg", x)),
    "whole mean": simple("GlobalAveragePool"),
}  # fmt: skip
VECTORS: dict[str, Use] = {
    **{name: simple(name) for name in (
        "Relu", "Sigmoid", "Tanh", "Selu", "Softplus", "Softsign", "HardSwish", "Elu", "Exp", "Abs", "Neg",
        "Sin", "Cos", "Floor", "Ceil", "Sign", "Erf", "Identity", "LogSoftmax", "Softmax", "LeakyRelu", "HardSigmoid",
    )},
    "Log": lambda make, x: make.node("Log", make.node("Exp", x)),
    "Sqrt": lambda make, x: make.node("Sqrt", make.node("Abs", x)),
    "Reciprocal": lambda make, x: make.node("Reciprocal", make.node("Exp", x)),
    "elu of its own": simple("Elu", alpha=0.5),
    "hard sigmoid of Keras": simple("HardSigmoid", alpha=1 / 6),
    "erf gelu": erf_gelu,
    "hard swish": hard_swish,
    "mish of parts": lambda make, x: make.node("Mul", x, make.node("Tanh", make.node("Softplus", x))),
    "clip": lambda make, x: make.node("Clip", x, floats(make, -0.5), floats(make, 0.5)),
    "clip below": lambda make, x: make.node("Clip", x, floats(make, 0.25)),
    "power": lambda make, x: make.node("Pow", x, floats(make, 2.0)),
    "one less it": lambda make, x: make.node("Sub", floats(make, 1.0), x),
    "three numbers": lambda make, x: make.node("Mul", make.gemm(x, 6, 3), floats(make, 1.0, 2.0, 3.0)),
    "offsets": lambda make, x: make.node("Add", make.node("Relu", x), make.weight(6)),
    "Max": lambda make, x: make.node("Max", x, make.node("Neg", x)),
    "Min": lambda make, x: make.node("Min", x, floats(make, 0.5)),
    "Div": lambda make, x: make.node("Div", x, make.node("Exp", x)),
    "layer": lambda make, x: make.node("LayerNormalization", x, make.weight(6), make.weight(6), axis=-1),
    "rows": lambda make, x: make.node("Unsqueeze", x, whole(make, 1)),
    "sum of all": simple("ReduceProd", axes=[1]),
    "smallest": simple("ReduceMin", axes=[1]),
}  # fmt: skip


def model_of(uses: dict[str, Use], **inputs: Any) -> Any:
    make = Maker(1)
    (name,) = inputs
    # Sorted, as outputs that have names are.
    outputs = {f"o{number:02}": use(make, name) for number, use in enumerate(uses.values())}
    return make.model(outputs, **inputs)


def test_each_use_of_images(tmp_path: Path) -> None:
    assert_equal(tmp_path / "m.onnx", model_of(IMAGES, image=[4, 9, 9]), flat=True)


def test_each_use_of_vectors(tmp_path: Path) -> None:
    assert_equal(tmp_path / "m.onnx", model_of(VECTORS, row=[6]), flat=True)


def test_all_operators_are_in_these_tests() -> None:
    known = {
        node.op_type
        for uses, shape in ((IMAGES, [4, 9, 9]), (VECTORS, [6]))
        for node in model_of(uses, x=shape).graph.node
    }
    elsewhere = {"Swish", "Gelu", "Mish", "GroupNormalization", "ReduceSum", "Upsample", "Cast", "Dropout", "Squeeze"}
    assert set(OPERATORS) - known == elsewhere


@pytest.mark.parametrize(
    ("use", "line"),
    [
        (erf_gelu, "- ops.gelu: {approximate: false}"),
        (hard_swish, "- activation: hard_silu"),
        (IMAGES["transposed and padded"], "- conv2d_transpose: {filters: 3, kernel_size: 3, strides: 2}"),
        (IMAGES["conv of auto padding"], "- conv2d: {filters: 3, kernel_size: 3, strides: 2, padding: same, use_bias: false}"),
        (IMAGES["flat and normal"], "- flatten"),
    ],
)  # fmt: skip
def test_a_person_would_write(use: Use, line: str, tmp_path: Path) -> None:
    make = Maker(1)
    onnx.save(make.model({"out": use(make, "image")}, image=[4, 9, 9]), tmp_path / "m.onnx")
    assert line in drafted(read_onnx_source(tmp_path / "m.onnx")).text


# --- random graphs ---------------------------------------------------------------------------------------------------


def drawn(seed: int) -> Any:
    """A random network over images."""
    make, chance = Maker(seed), random.Random(seed)
    x, channels, size = "image", chance.choice([1, 3]), 16
    inputs = {"image": [channels, size, size]}
    for _ in range(chance.randint(2, 7)):
        kind = chance.choice(["conv", "norm", "act", "pool", "residual", "dense", "wide", "up", "by channel"])
        after = chance.choice([2, 4, 6])
        if kind == "conv":
            width, stride = chance.choice([1, 3, 5]), chance.choice([1, 1, 2])
            x = make.conv(x, channels, after, width, bias=chance.random() < 0.5, strides=[stride] * 2)
            channels, size = after, (size - 1) // stride + 1
        elif kind == "norm":
            x = make.norm(x, channels)
        elif kind == "act":
            x = make.node(chance.choice(["Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "HardSwish"]), x)
        elif kind == "pool" and size > 4:
            x = make.node(chance.choice(["MaxPool", "AveragePool"]), x, kernel_shape=[2, 2], strides=[2, 2])
            size //= 2
        elif kind == "residual":
            x = make.node("Add", x, make.node("Relu", make.norm(make.conv(x, channels, channels), channels)))
        elif kind == "dense":
            x = make.node("Concat", x, make.conv(make.node("Relu", x), channels, after), axis=1)
            channels += after
        elif kind == "wide" and size < 16:
            x = make.node("Resize", x, "", floats(make, 1, 1, 2, 2), mode=chance.choice(["nearest", "linear"]))
            size *= 2
        elif kind == "up" and size < 16:
            x = make.node("ConvTranspose", x, make.weight(channels, after, 2, 2), kernel_shape=[2, 2], strides=[2, 2])
            channels, size = after, size * 2
        elif kind == "by channel":
            x = make.conv(x, channels, channels * 2, groups=channels)
            channels *= 2
    end = chance.choice(["flat", "mean", "map"])
    if end == "flat":
        x = make.gemm(make.node("Flatten", x), channels * size * size, 5)
    elif end == "mean":
        x = make.gemm(make.node("Flatten", make.node("GlobalAveragePool", x)), channels, 5)
    return make.model({"out": x}, **inputs)


@pytest.mark.parametrize("seed", range(6))
def test_a_random_network_computes_the_same(seed: int, tmp_path: Path) -> None:
    assert_equal(tmp_path / "m.onnx", drawn(seed))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(6, 200))
def test_many_random_networks_compute_the_same(seed: int, tmp_path: Path) -> None:
    assert_equal(tmp_path / "m.onnx", drawn(seed))
