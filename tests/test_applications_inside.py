"""Models of `keras.applications` as parts of a spec: Keras's names, arguments, layers and outputs, for pixels."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dlspec.backends.keras.build import build
from dlspec.components.registry import find, names
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Lowered
from tests.support import dlspec_here

# One of each family that prepares pixels otherwise, or is built otherwise; the others with `-m exhaustive`.
FAMILIES = (
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionV3", "MobileNet", "MobileNetV2",
    "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception",
)  # fmt: skip


def lowered(folder: Path, application: str, size: Any, more: str = "") -> Lowered:
    text = f"""
inputs: {{image: {size}}}
models:
  Body: {{application: {application}{more}}}
layers: [Body]
"""
    (folder / "spec.yaml").write_text(text)
    return compile_spec(folder / "spec.yaml").reached(Lowered)


def test_every_application_with_every_argument() -> None:
    """Those of the Keras that is installed: names and defaults; a model's name and a tensor are the spec's to give."""
    known = [name for name in dir(keras.applications) if name[:1].isupper()]
    assert sorted(names("application")) == sorted(known)
    for name in known:
        parameters = inspect.signature(getattr(keras.applications, name)).parameters
        theirs = {key: each.default for key, each in parameters.items() if key not in ("input_tensor", "name")}
        ours = find("application", name)
        assert ours is not None and {key: field.default for key, field in ours.fields.items()} == theirs, name


def filled(weight: Any, random: np.random.Generator) -> Any:
    """What a trained weight may be: a normalisation that does nothing would hide its mistakes."""
    role = weight.path.rpartition("/")[2]
    if role in ("gamma", "moving_variance"):
        return random.uniform(0.8, 1.2, weight.shape)
    if role in ("bias", "beta", "moving_mean"):
        return random.normal(0, 0.1, weight.shape)
    if role.endswith("kernel"):  # so that what leaves a layer is as large as what enters it
        entering = np.prod(weight.shape[:2] if len(weight.shape) == 4 and weight.shape[3] == 1 else weight.shape[:-1])
        return random.normal(0, np.sqrt(2 / entering), weight.shape)
    return weight.numpy()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in FAMILIES else pytest.mark.exhaustive) for name in names("application")],
)
def test_the_same_as_in_keras(name: str, tmp_path: Path) -> None:
    """The same weights in the same order; of pixels, what Keras gives for them after its `preprocess_input`."""
    size = 96 if find("application", name).smallest > 32 else 64
    shape = [size, size, 3]
    graph = lowered(tmp_path, f"{{{name}: {{include_top: false, weights: null, input_shape: {shape}}}}}", shape).graph
    ours = build(graph).get_layer("Body")
    made = getattr(keras.applications, name)
    theirs = made(weights=None, include_top=False, input_shape=tuple(shape))
    assert [tuple(weight.shape) for weight in ours.weights] == [tuple(weight.shape) for weight in theirs.weights]
    random = np.random.default_rng(3)
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        other.assign(filled(other, random))
        mine.assign(other)
    pixels = random.integers(0, 256, (2, *shape)).astype("float32")
    module = importlib.import_module(made.__module__)
    expected = np.asarray(theirs(module.preprocess_input(pixels.copy())))
    scale = np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() > 1e-3 * scale, "the outputs must depend on the pixels"
    assert np.abs(np.asarray(ours(pixels)) - expected).max() <= 1e-5 * scale


@pytest.mark.slow
def test_a_head_and_pixels_that_are_ready(tmp_path: Path) -> None:
    """`preprocess: false` leaves pixels as they are; with a head, classes come out."""
    arguments = "{include_top: true, weights: null, alpha: 0.25, classes: 7, input_shape: [32, 32, 3]}"
    state = lowered(tmp_path, f"{{MobileNet: {arguments}}}", [32, 32, 3], ", preprocess: false")
    assert all(node.kind != "ops.divide" for node in state.models["Body"].graph.nodes)
    ours = build(state.graph).get_layer("Body")
    theirs = keras.applications.MobileNet(weights=None, alpha=0.25, classes=7, input_shape=(32, 32, 3))
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        mine.assign(other)
    pixels = np.random.default_rng(3).uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(ours(pixels)), np.asarray(theirs(pixels)), atol=1e-6)


SMALL = "{MobileNet: {include_top: false, weights: WEIGHTS, alpha: 0.25, input_shape: [32, 32, 3]}}"


@pytest.mark.slow
def test_weights_in_a_file(tmp_path: Path) -> None:
    """As a script of Keras saves them, whatever it made before; those of another width do not fit."""
    keras.applications.MobileNetV3Small(weights=None, alpha=0.5)  # layers without names are numbered from here on
    theirs = keras.applications.MobileNet(include_top=False, weights=None, alpha=0.25)
    theirs.save(tmp_path / "mobile.keras")
    theirs.save_weights(tmp_path / "mobile.weights.h5")
    pixels = np.random.default_rng(3).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    expected = np.asarray(theirs(keras.applications.mobilenet.preprocess_input(pixels.copy())))
    for file in ("mobile.keras", "mobile.weights.h5"):
        state = lowered(tmp_path, SMALL.replace("WEIGHTS", file), [32, 32, 3])
        assert {*state.saved_models["Body"].files} == {"Body.json", f"Body.weights{Path(file).suffix}"}
        np.testing.assert_allclose(np.asarray(build(state.graph)(pixels)), expected, atol=1e-5)
    (tmp_path / "spec.yaml").write_text(
        "inputs: {image: [32, 32, 3]}\nmodels:\n"
        f"  Body: {{application: {SMALL.replace('WEIGHTS', 'mobile.keras').replace('0.25', '0.5')}}}\nlayers: [Body]\n"
    )
    (problem,) = compile_spec(tmp_path / "spec.yaml").diagnostics.items
    assert problem.code == "E542" and "does not give all weights of Body" in problem.message
    assert problem.help == "save the same application with the same arguments by `model.save`, and name that file"
    assert problem.span is not None and problem.span.line == 3


@pytest.mark.slow
def test_weights_of_layers_that_keras_numbered(tmp_path: Path) -> None:
    """Layers without names of their own are called otherwise in every script: their order decides."""
    keras.applications.Xception(weights=None, include_top=False)
    theirs = keras.applications.Xception(weights=None, include_top=False)
    theirs.save(tmp_path / "xception.keras")
    state = lowered(tmp_path, "{Xception: {include_top: false, weights: xception.keras}}", [71, 71, 3])
    pixels = np.random.default_rng(3).integers(0, 256, (2, 71, 71, 3)).astype("float32")
    expected = np.asarray(theirs(keras.applications.xception.preprocess_input(pixels.copy())))
    np.testing.assert_allclose(np.asarray(build(state.graph)(pixels)), expected, atol=1e-5)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLSPEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


SPEC = f"""
inputs: {{image: [32, 32, 1]}}
models:
  Body: {{application: {SMALL.replace("WEIGHTS", "null")}, outputs: conv_pw_5_relu}}
layers: [Body]
"""


@pytest.mark.slow
def test_layers_are_written_down_once(cache: Path, tmp_path: Path) -> None:
    """And anew where the file is damaged, the same to the last byte; TensorFlow is never in this process for it."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    message = "Keras writes down the layers of MobileNet, once: a few seconds …"
    first = dlspec_here("check", "spec.yaml")
    # The model takes three channels, and the spec gives one: this needs its layers.
    assert first.returncode == 1 and message in first.stderr and "error[E402]" in first.stdout + first.stderr
    assert "say so to MobileNet: `input_shape: [32, 32, 1]`" in first.stdout + first.stderr
    (file,) = cache.rglob("*.json")
    text = file.read_bytes()
    (tmp_path / "spec.yaml").write_text(SPEC.replace("[32, 32, 1]", "[32, 32, 3]"))
    again = dlspec_here("check", "spec.yaml")
    assert again.returncode == 0 and message not in again.stderr
    for damaged in (text[:1000], text.replace(b"conv_pw_5", b"conv_pw_6")):
        file.write_bytes(damaged)
        renewed = dlspec_here("check", "spec.yaml")
        assert renewed.returncode == 0 and message in renewed.stderr and file.read_bytes() == text


def test_an_editor_does_not_start_keras(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("[32, 32, 1]", "[32, 32, 3]"))
    (problem,) = compile_spec(path, workspace=Workspace(starts_keras=False)).diagnostics.items
    assert problem.code == "E561" and problem.help == "run `dlspec check` on this spec"
    assert "the layers of MobileNet are not known yet" in problem.message and not cache.exists()


@pytest.mark.slow
def test_what_keras_refuses(cache: Path, tmp_path: Path) -> None:
    """An argument that only Keras can judge is a diagnostic with its sentence."""
    (tmp_path / "spec.yaml").write_text(SPEC.replace("0.25", "0.001"))
    (problem,) = compile_spec(tmp_path / "spec.yaml").diagnostics.items
    assert problem.code == "E549" and problem.help == "change the argument that it names"
    assert problem.message.startswith("Keras does not make MobileNet with these arguments: ")
    assert "filters" in problem.message and not cache.exists()
