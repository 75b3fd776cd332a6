"""Specs of classics against keras.applications: the same weights in the same order, and with them the same outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dlspec.backends.keras.build import build
from dlspec.passes import compile_spec
from tests.support import LARGE_MODEL, ROOT

pytestmark = [pytest.mark.slow, LARGE_MODEL]

# The name in keras.applications, the spec, and the size of the images: small where the weights do not depend on it.
CLASSICS = (
    ("ResNet50", "specs/cnn/resnet50.yaml", 64),
    ("ResNet152", "specs/cnn/resnet152.yaml", 64),
    ("Xception", "specs/cnn/xception.yaml", 96),
    ("VGG16", "specs/cnn/vgg16.yaml", 224),
)
DEEPER = {"ResNet152"}  # of the same blocks as another one


@pytest.mark.parametrize(
    ("name", "spec", "size"),
    [pytest.param(*case, id=case[0], marks=pytest.mark.exhaustive if case[0] in DEEPER else []) for case in CLASSICS],
)
def test_same_weights_and_outputs(name: str, spec: str, size: int) -> None:
    graph = compile_spec(ROOT / spec, [f"inputs.image=[{size}, {size}, 3]"]).graph
    assert graph is not None
    ours = build(graph)
    theirs = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3))
    assert [tuple(weight.shape) for weight in ours.weights] == [tuple(weight.shape) for weight in theirs.weights]
    assert [_role(weight) for weight in ours.weights] == [_role(weight) for weight in theirs.weights]
    assert _constants(ours) == _constants(theirs)
    random = np.random.Generator(np.random.Philox(3))
    for mine, other in zip(ours.weights, theirs.weights, strict=True):  # one by one: VGG16 has half a gigabyte of them
        mine.assign(_values(other, random))
        other.assign(mine)
    image = random.normal(size=(1, size, size, 3)).astype(np.float32)
    expected, found = theirs.predict(image, verbose=0), ours.predict(image, verbose=0)
    assert expected.max() > 2 * expected.min(), "the outputs must depend on the weights to mean anything"
    assert np.abs(found - expected).max() <= 1e-5 * expected.max()


def _role(weight: Any) -> str:
    return str(weight.path.rpartition("/")[2])


def _constants(model: Any) -> set[tuple[float, float]]:
    kind = keras.layers.BatchNormalization
    return {(layer.epsilon, layer.momentum) for layer in model.layers if isinstance(layer, kind)}


def _values(weight: Any, random: np.random.Generator) -> Any:
    """What a trained weight may be: a normalisation that does nothing would hide its mistakes."""
    if _role(weight) in ("gamma", "moving_variance"):
        return random.uniform(0.8, 1.2, weight.shape)
    if _role(weight) in ("bias", "beta", "moving_mean"):
        return random.normal(0, 0.1, weight.shape)
    return weight.numpy()
