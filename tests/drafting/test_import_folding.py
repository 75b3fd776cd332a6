"""``dlspec import`` writes what repeats once, and the spec makes the very same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from dlspec.backends.importing.applications import read_application
from dlspec.backends.keras.build import build
from dlspec.drafting.models.drafting import drafted
from tests.drafting.imported import assert_same, canonical, imported, made
from tests.random_specs import Writer
from tests.support import LARGE_MODEL, compile_text

layers = keras.layers

# Lines of the spec at most.
LINES = {
    "VGG16": 20, "ResNet50": 52, "ResNet152": 57, "MobileNetV2": 48, "DenseNet121": 45, "EfficientNetB0": 75,
    "InceptionV3": 135,
}  # fmt: skip
FAST = ("MobileNetV2",)
APPLICATIONS = sorted(name for name in dir(keras.applications) if name[:1].isupper())


def convolution(x: Any, filters: int, **options: Any) -> Any:
    """A convolution without bias, normalised and cut off at 0."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, **options)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def residuals() -> Any:
    """Stages of residual groups, the first of each with a shortcut of its own."""
    image = keras.Input((16, 16, 3), name="image")
    x = convolution(image, 8)
    for filters, strides, count in ((8, 1, 2), (16, 2, 3), (24, 2, 2)):
        shortcut = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x)
        inner = convolution(convolution(x, filters, strides=strides), filters)
        x = layers.Add()([shortcut, inner])
        for _ in range(count):
            x = layers.Add()([x, convolution(convolution(x, filters), filters)])
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(image, layers.Dense(5, "softmax")(x))


def test_residual_groups_become_blocks(tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    model = residuals()
    draft, again = imported(model, tmp_path)
    assert draft.text.split("\n")[3:] == [
        "blocks:",
        "  ConvBN:",
        "    params: {filters, strides: 1}",
        "    layers:",
        "      - conv2d: {filters: $filters, kernel_size: 3, padding: same, use_bias: false, strides: $strides}",
        "      - batch_normalization: {momentum: 0.9}",
        "      - re_lu",
        "  Residual:",
        "    params: {filters, strides: 2, times: 2}",
        "    layers:",
        "      - residual:",
        "          shortcut: [conv2d: {filters: $filters, kernel_size: 1, use_bias: false, strides: $strides}]",
        "          layers: [ConvBN: {filters: $filters, strides: $strides}, ConvBN: $filters]",
        "      - residual:",
        "          layers: [ConvBN: {filters: $filters, repeat: 2}]",
        "          repeat: $times",
        "layers:",
        "  - ConvBN: 8",
        "  - Residual: {filters: 8, strides: 1}",
        "  - Residual: {filters: 16, times: 3}",
        "  - Residual: 24",
        "  - global_average_pooling2d: {name: pooled}",
        "  - dense: {units: 5, activation: softmax}",
        "expect: {parameters: 52341, output: [5]}",
        "",
    ]
    assert canonical(again) == canonical(model)
    assert_same(model, again)


def test_flat_has_a_line_for_each_layer(tmp_path: Path) -> None:
    model = residuals()
    draft, again = imported(model, tmp_path, flat=True)
    assert draft.text.count("\n") == len(model.layers) - 1 + 5 and "blocks:" not in draft.text
    assert canonical(again) == canonical(model)


def test_parallel_groups_and_what_leaves_them(tmp_path: Path) -> None:
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 8, 4), name="image")
    x = image
    for filters in (4, 6):
        one = layers.Conv2D(filters, 1)(x)
        two = layers.Conv2D(filters, 3, padding="same")(layers.Conv2D(filters, 1)(x))
        x = layers.Concatenate()([one, two, layers.MaxPooling2D(3, 1, padding="same")(x)])
    scale = layers.Dense(24, "sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    y = layers.Multiply()([x, scale])
    skip = layers.Concatenate(axis=1)([y, layers.Conv2D(24, 1)(y)])
    model = keras.Model(image, [layers.Flatten(name="flat")(skip), layers.GlobalMaxPooling2D(name="top")(skip)])
    draft, again = imported(model, tmp_path)
    assert "- parallel:" in draft.text and "merge: multiply" in draft.text and "outputs: [flat, top]" in draft.text
    assert_same(model, again)


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(each, marks=pytest.mark.exhaustive) for each in range(4, 1000))]
)
def test_random_graphs_come_back_folded(seed: int, tmp_path: Path) -> None:
    model = build(compile_text(tmp_path, Writer(seed).text()).graph)
    _, again = imported(model, tmp_path)
    assert canonical(again) == canonical(model)


def _written_otherwise(layer: Any) -> bool:
    """Whether a spec has other layers in its place: those inside a model, or what a class of an application does."""
    return isinstance(layer, keras.Sequential) or type(layer).__module__.startswith("keras.src.applications")


@pytest.mark.slow
@LARGE_MODEL
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.exhaustive) for name in APPLICATIONS]
)
def test_applications(name: str, tmp_path: Path) -> None:
    draft = drafted(read_application(name))
    if name in LINES:
        assert draft.text.count("\n") <= LINES[name]
    model = getattr(keras.applications, name)(weights=None)
    again = made(draft.text, tmp_path)
    assert [tuple(weight.shape) for weight in again.weights] == [tuple(weight.shape) for weight in model.weights]
    if not any(map(_written_otherwise, model.layers)):
        assert canonical(again) == canonical(model)
    if model.count_params() < 60e6:
        assert_same(model, again, 1e-5)
