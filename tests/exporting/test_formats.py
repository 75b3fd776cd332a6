"""Real models in all formats, read by the runtimes that users have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from models import CNN, MODELS, SEVERAL, built, exported

from dlspec.core.errors import SpecError
from dlspec.export.formats.export import FORMATS


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_the_exported_model_computes_the_same(name: str, target: str, tmp_path: Path) -> None:
    outcome = exported(built(tmp_path, MODELS[name]), target, tmp_path)
    assert outcome.warnings == []
    assert outcome.comparison is not None and outcome.comparison.batches == 2
    assert outcome.comparison.worst[1] <= (0 if target == "keras" else 5e-6)
    assert outcome.bytes > 300 and outcome.path.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([outcome.path.name, "spec.yaml"])


def test_onnx_has_the_names_of_the_spec(tmp_path: Path) -> None:
    import onnxruntime

    path = exported(built(tmp_path, SEVERAL), "onnx", tmp_path).path
    session = onnxruntime.InferenceSession(path)
    assert {one.name: one.shape[1:] for one in session.get_inputs()} == {"numbers": [3], "city": []}
    assert {one.name for one in session.get_outputs()} == {"price", "sold"}
    prices, sold = session.run(["price", "sold"], {"numbers": np.ones((5, 3), "f"), "city": np.arange(5, dtype="i")})
    assert prices.shape == sold.shape == (5, 1)


def test_a_single_output_has_its_name_too(tmp_path: Path) -> None:
    import tensorflow as tf

    path = exported(built(tmp_path, CNN), "savedmodel", tmp_path).path
    signature = tf.saved_model.load(path).signatures["serving_default"]
    assert set(signature.structured_outputs) == {"digit"}
    assert set(signature.structured_input_signature[1]) == {"image"}


def test_litert_has_the_names_of_the_spec(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path = exported(built(tmp_path, SEVERAL), "litert", tmp_path).path
    assert Interpreter(str(path)).get_signature_list() == {
        "serving_default": {"inputs": ["city", "numbers"], "outputs": ["price", "sold"]}
    }


def refusals(model: Any, target: str, folder: Path) -> list[str]:
    """Codes and messages of an export that fails; nothing is left behind."""
    before = sorted(folder.iterdir())
    with pytest.raises(SpecError) as caught:
        exported(model, target, folder)
    assert sorted(folder.iterdir()) == before
    return [f"{item.code} {item.message}" for item in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("layers", "target", "message"),
    [
        ("[{gru: 3}]", "litert", "E702 LiteRT cannot hold the loop of `gru`"),
        ("[{time_distributed: {layer: {dense: 2}}}, {bidirectional: {layer: {lstm: 2}}}]", "litert", "E702 LiteRT"),
        (
            "[{reshape: [4, 4, 1, 1]}, {average_pooling3d: {pool_size: 1}}]",
            "litert",
            "it has no operation for AvgPool3D",
        ),
        (
            "[flatten, {mel_spectrogram: {fft_length: 8, sequence_stride: 4}}]",
            "onnx",
            "ONNX cannot hold the model: it has no operation for Imag, RFFT, Real",
        ),
        (
            "[{discretization: {bin_boundaries: [0.0, 0.5]}}]",
            "onnx",
            "ONNX cannot hold the model: it has no operation for Bucketize",
        ),
    ],
)
def test_what_a_format_cannot_hold(layers: str, target: str, message: str, tmp_path: Path) -> None:
    model = built(tmp_path, f"inputs: {{x: [4, 4]}}\nlayers: {layers}\n")
    assert message in refusals(model, target, tmp_path)[0]


def test_operations_that_tf2onnx_lacks_are_written_out(tmp_path: Path) -> None:
    layers = "[{dense: {units: 3, activation: gelu}}, {activation: celu}, ops.expm1, ops.gelu]"
    comparison = exported(built(tmp_path, f"inputs: {{x: [4]}}\nlayers: {layers}\n"), "onnx", tmp_path).comparison
    assert comparison is not None and comparison.worst[1] < 1e-5


def test_whole_numbers_have_an_argmax_in_onnx(tmp_path: Path) -> None:
    model = built(tmp_path, "inputs: {x: {shape: [4], dtype: int32}}\nlayers: [ops.argmax: -1]\n")
    comparison = exported(model, "onnx", tmp_path).comparison
    assert comparison is not None and comparison.worst[1] == 0


def test_text_is_not_for_onnx(tmp_path: Path) -> None:
    model = built(
        tmp_path, "inputs: {word: {shape: [], dtype: string}}\nlayers: [{string_lookup: {vocabulary: [a, b]}}]\n"
    )
    assert refusals(model, "onnx", tmp_path) == ["E702 ONNX cannot hold the text input `word`"]
    for target in ("keras", "savedmodel", "litert"):
        comparison = exported(model, target, tmp_path).comparison
        assert comparison is not None and comparison.worst == ("string_lookup", 0.0)


class OtherForAnyBatch(keras.layers.Layer):
    """Computes something else where the size of the batch is open, as it is in exported models only."""

    def call(self, x: Any) -> Any:
        return x if x.shape[0] is not None else x + 0.5


class Dice(keras.layers.Layer):
    """Random at inference as well."""

    def call(self, x: Any) -> Any:
        return x + keras.random.uniform(keras.ops.shape(x))


def around(layer: keras.layers.Layer) -> Any:
    x = keras.Input((2,), name="x")
    return keras.Model(x, layer(x), name="small")


@pytest.mark.parametrize("target", ["savedmodel", "onnx", "litert"])
def test_a_difference_keeps_the_old_file(target: str, tmp_path: Path) -> None:
    old = exported(around(keras.layers.ReLU()), target, tmp_path).path
    file = old / "saved_model.pb" if old.is_dir() else old
    content = file.read_bytes()
    (message,) = refusals(around(OtherForAnyBatch(name="shifted")), target, tmp_path)
    assert message.startswith("E701 output `shifted` of the exported model differs from Keras by 0.")
    assert file.read_bytes() == content


def test_another_shape_is_a_difference(tmp_path: Path) -> None:
    # Keras 3.15 traces `time_distributed` with two open axes into a graph that returns as many steps as examples.
    model = built(tmp_path, "inputs: {x: [null, 3]}\nlayers: [{time_distributed: {layer: {dense: 2}}}]\n")
    (message,) = refusals(model, "savedmodel", tmp_path)
    assert message.startswith("E701 output `time_distributed` of the exported model has another shape than Keras")


def test_random_outputs_cannot_be_compared(tmp_path: Path) -> None:
    outcome = exported(around(Dice()), "savedmodel", tmp_path)
    assert outcome.comparison is None and (outcome.path / "saved_model.pb").exists()
    assert [(item.code, item.message) for item in outcome.warnings] == [
        ("W702", "`model` is not verified: its outputs are random")
    ]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    path = exported(around(keras.layers.ReLU()), "savedmodel", tmp_path).path
    (path / "stale").write_text("of the old one")
    exported(around(keras.layers.ReLU()), "savedmodel", tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["model"] and not (path / "stale").exists()
