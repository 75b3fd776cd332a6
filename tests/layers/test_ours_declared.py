"""Layers that Keras lacks: what their declarations refuse, in which words, and how they count operations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from both import CATALOGUE, instance

from dlspec.core.ir import Tensor
from tests.support import compile_text


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("sinusoidal_positional_encoding", "max_wavelength", 0.5), ("positional_embedding", "max_length", 0),
        ("patch_extraction", "patch_size", 0), ("patch_extraction", "patch_size", [2]),
        ("stochastic_depth", "rate", 1), ("stochastic_depth", "rate", -0.1), ("stochastic_depth", "seed", -1),
        ("local_response_normalization", "size", 0), ("local_response_normalization", "k", 0),
        ("local_response_normalization", "region", "across"), ("instance_normalization", "epsilon", 0),
        ("gaussian_sampling", "kl_weight", -1), ("kl_sparsity", "sparsity", 0), ("kl_sparsity", "sparsity", 1),
        ("maxout", "pieces", 0), ("maxout", "units", 0), ("reservoir", "leak_rate", 0), ("reservoir", "leak_rate", 1.1),
        ("reservoir", "connectivity", 0), ("reservoir", "spectral_radius", -1), ("layer_scale", "initial_value", "x"),
    ],
)  # fmt: skip
def test_impossible(name: str, option: str, value: Any) -> None:
    owner = CATALOGUE["layer", name]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, owner.fields[option].literal(owner))


@pytest.mark.parametrize(
    ("inputs", "step", "code", "message"),
    [
        ("{x: [8]}", "sinusoidal_positional_encoding", "E402",
         "sinusoidal_positional_encoding expects [steps, features], but the input has shape [8]"),
        ("{x: [null, 8]}", "positional_embedding", "E408",
         "positional_embedding needs the number of steps, but the input has shape [null, 8]"),
        ("{x: [9, 8]}", "positional_embedding: 5", "E402",
         "positional_embedding has `max_length: 5`, but the input has 9 steps"),
        ("{x: [4, 4, 8]}", "class_token", "E402",
         "class_token expects [steps, features], but the input has shape [4, 4, 8]"),
        ("{x: [30, 32, 3]}", "patch_extraction: 16", "E402",
         "patch_extraction cuts patches of 16 pixels, which do not divide the 30 of the input"),
        ("{x: [30, 3]}", "patch_extraction: 2", "E402",
         "patch_extraction expects [height, width, channels], but the input has shape [30, 3]"),
        ("{x: [8, 8, 3]}", "local_response_normalization: {size: 4}", "E207",
         "local_response_normalization has `size: 4`, which has no middle"),
        ("{x: [8, 3]}", "local_response_normalization: {region: within_channel}", "E402",
         "local_response_normalization expects [height, width, channels], but the input has shape [8, 3]"),
        ("{x: [8]}", "instance_normalization", "E402",
         "instance_normalization expects […, channels] with positions before the channels, "
         "but the input has shape [8]"),
        ("{x: []}", "kl_sparsity", "E402", "kl_sparsity expects […, features], but the input has shape []"),
        ("{x: [8]}", "weight_normalization: {layer: flatten}", "E207",
         "weight_normalization wraps a layer with a kernel, not `flatten`"),
        ("{x: [8]}", "weight_normalization: {layer: {dense: {units: 2, activity_regularizer: l2}}}", "E207",
         "weight_normalization cannot pass on the `activity_regularizer` of `dense`"),
        ("{x: [8], y: [1]}", "gaussian_sampling: {from: [x, y]}", "E402",
         "gaussian_sampling takes mean and logarithm of the variance in one shape, but they have [8] and [1]"),
        ("{x: [8]}", "reservoir: 5", "E402",
         "reservoir expects 2 axes [steps, features], but the input has shape [8]"),
    ],
)  # fmt: skip
def test_message(inputs: str, step: str, code: str, message: str, tmp_path: Path) -> None:
    (found,) = compile_text(tmp_path, f"inputs: {inputs}\nlayers:\n  - {step}\n").diagnostics.errors
    assert (found.code, found.message) == (code, message)


@pytest.mark.parametrize(
    ("name", "options", "inputs", "count"),
    [
        ("sinusoidal_positional_encoding", {}, [(5, 4)], 20),
        ("positional_embedding", {}, [(5, 4)], 20),
        ("class_token", {}, [(5, 4)], 0),
        ("patch_extraction", 2, [(4, 4, 3)], 0),
        ("layer_scale", {}, [(5, 4)], 20),
        ("stochastic_depth", 0.5, [(5, 4)], 0),
        ("local_response_normalization", {}, [(2, 3, 4)], 24 * 10),
        ("local_response_normalization", {"size": 3, "region": "within_channel"}, [(2, 3, 4)], 24 * 11),
        ("instance_normalization", {}, [(5, 4)], 160),
        ("weight_normalization", {"layer": {"dense": 10}}, [(64,)], 10 * (2 * 64 + 1)),
        ("gaussian_sampling", {}, [(4,), (4,)], 0),
        ("kl_sparsity", {}, [(4,)], 0),
        ("maxout", {"units": 3, "pieces": 5}, [(4,)], 15 * (2 * 4 + 1 + 1)),
        ("reservoir", 6, [(5, 4)], 5 * 6 * (2 * 10 + 2)),
        ("reservoir", {"units": 6, "leak_rate": 0.5}, [(5, 4)], 5 * 6 * (2 * 10 + 5)),
    ],
)
def test_operations(name: str, options: Any, inputs: list[Any], count: int) -> None:
    layer = instance(CATALOGUE["layer", name], options)
    tensors = [Tensor(shape) for shape in inputs]
    assert layer.flops(layer.infer(*tensors), *tensors) == count


def test_mask_follows_the_wrapped_layer(tmp_path: Path) -> None:
    spec = """
    inputs: {x: {shape: [5], dtype: int32}}
    layers:
      - embedding: {input_dim: 9, output_dim: 4, mask_zero: true}
      - class_token
      - weight_normalization: {layer: {dense: 3}}
      - weight_normalization: {layer: {conv1d: {filters: 3, kernel_size: 2}}}
      - flatten
    """
    state = compile_text(tmp_path, spec)
    assert state.graph is not None
    assert [node.outputs[0].masked for node in state.graph.nodes] == [False, True, True, True, False, False]
    assert [item.code for item in state.diagnostics.items] == ["W402"]


def test_only_layers_of_texts_derivatives_trees_and_gibbs_steps_name_tensorflow() -> None:
    """All others run with every backend of Keras, in generated modules too; Keras folds no number into a seed,
    and copies a weight before it takes rows of it."""
    folder = Path(__file__).resolve().parents[2] / "dlspec" / "keras_layers"
    found = {path.stem for path in folder.glob("*.py") if "import tensorflow" in path.read_text(encoding="utf-8")}
    assert found == {
        "date_parts",
        "deep_boltzmann",
        "gradient",
        "hierarchical_softmax",
        "restricted_boltzmann",
        "subword_vectorization",
        "text_imputation",
    }
