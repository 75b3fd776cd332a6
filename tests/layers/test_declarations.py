"""What the declarations promise by themselves: bounds, examples that their own schema takes, counts of operations."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from both import CATALOGUE, LAYERS, instance

from dlspec.components.registry import Component, Example
from dlspec.core.ir import Tensor, UnknownSize
from dlspec.syntax.source import load

EXAMPLES = [(owner, example) for owner in LAYERS for example in owner.examples if example.value]


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=[f"{o.registered_name} {e.value}" for o, e in EXAMPLES])
def test_example_fits_the_schema(owner: type[Component], example: Example) -> None:
    data = load(f"value: {example.value}").data  # by YAML 1.2, in which `1e-3` is a number
    assert data is not None
    value = data["value"]
    options = value if isinstance(value, dict) else {owner.shorthand: value}
    for name, given in options.items():
        field = owner.fields[name]
        if not field.kind:
            jsonschema.validate(given, field.schema(owner))


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("dense", "units", 0), ("dense", "units", 1.5), ("dense", "units", "8"),
        ("conv2d", "filters", 0), ("conv2d", "kernel_size", 0), ("conv2d", "kernel_size", [3]),
        ("conv2d", "kernel_size", [3, 3, 3]), ("conv2d", "padding", "causal"), ("conv2d", "strides", -1),
        ("max_pooling2d", "pool_size", 0), ("average_pooling1d", "pool_size", [0]),
        ("dropout", "rate", 1.5), ("dropout", "rate", -0.1), ("gaussian_dropout", "rate", 1),
        ("gaussian_noise", "stddev", 2), ("embedding", "input_dim", 0), ("lstm", "units", 0), ("lstm", "dropout", 2),
        ("lstm", "use_cudnn", "yes"), ("multi_head_attention", "num_heads", 0), ("repeat_vector", "n", 0),
        ("reshape", "target_shape", [-2]), ("permute", "dims", [0]), ("cropping2d", "cropping", -1),
        ("cropping2d", "cropping", [[1, 2], [3]]), ("zero_padding1d", "padding", [1, 2, 3]),
        ("up_sampling2d", "interpolation", "cubic"), ("batch_normalization", "momentum", 1.5),
        ("batch_normalization", "renorm_clipping", {"max": 1}), ("re_lu", "max_value", -1), ("dropout", "seed", -1),
        ("bidirectional", "merge_mode", "add"), ("random_contrast", "factor", 2), ("random_flip", "mode", "both"),
        ("random_shear", "x_factor", 0.2), ("random_shear", "y_factor", [-0.1, 0.1]),
        ("random_posterization", "factor", 0), ("random_posterization", "factor", 4.5),
        ("random_gaussian_blur", "kernel_size", 0), ("random_color_jitter", "data_format", "channels_first"),
        ("mix_up", "alpha", 0), ("rand_augment", "num_ops", 12), ("solarization", "value_range", [0]),
        ("stft_spectrogram", "window", "kaiser"), ("mel_spectrogram", "window", "blackman"),
        ("contrast_limited_adaptive_histogram_equalization", "tile_grid_size", 8),
        ("string_lookup", "vocabulary", "/etc/passwd"), ("string_lookup", "max_tokens", 1), ("dot", "axes", [1]),
    ],
)  # fmt: skip
def test_impossible(name: str, option: str, value: Any) -> None:
    owner = CATALOGUE["layer", name]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, owner.fields[option].literal(owner))


@pytest.mark.parametrize(
    ("name", "options", "inputs", "count"),
    [
        ("dense", {"units": 10}, [(64,)], 10 * (2 * 64 + 1)),
        ("dense", {"units": 10, "use_bias": False, "activation": "relu"}, [(64,)], 10 * 2 * 64 + 10),
        ("conv2d", {"filters": 6, "kernel_size": 5}, [(32, 32, 1)], 28 * 28 * 6 * (2 * 25 + 1)),
        ("conv2d_transpose", {"filters": 3, "kernel_size": 2, "strides": 2}, [(4, 4, 5)], 2 * 80 * 4 * 3 + 8 * 8 * 3),
        ("separable_conv1d", {"filters": 4, "kernel_size": 3}, [(10, 2)], 8 * (2 * 2 * 3 + 4 * (2 * 2 + 1))),
        ("max_pooling2d", {}, [(8, 8, 3)], 4 * 4 * 3 * 4),
        ("add", {}, [(8,), (8,), (8,)], 16),
        ("batch_normalization", {}, [(8, 3)], 48),
        ("gru", {"units": 4}, [(5, 3)], 5 * 4 * (3 * (2 * 7 + 2) + 5)),
        ("bidirectional", {"layer": {"gru": 4}}, [(5, 3)], 2 * 5 * 4 * (3 * (2 * 7 + 2) + 5)),
        ("time_distributed", {"layer": {"dense": 2}}, [(5, 3)], 5 * 2 * 7),
        ("attention", {}, [(5, 3), (6, 3)], 30 * 7 + 2 * 15 * 6),
        ("multi_head_attention", {"num_heads": 2, "key_dim": 4, "use_bias": False}, [(5, 3), (5, 3)],
         4 * 2 * 5 * 3 * 8 + 2 * 25 * (16 + 1)),
        ("flatten", {}, [(8, 8)], 0),
        ("pipeline", {"layers": [{"dense": 10}, {"dense": 2}]}, [(64,)], 10 * (2 * 64 + 1) + 2 * (2 * 10 + 1)),
        ("stft_spectrogram", {"frame_length": 8, "mode": "stft"}, [(40, 1)], 9 * 10 * 2 * 8),
        ("stft_spectrogram", {"frame_length": 8}, [(40, 2)], 9 * 10 * (2 * 2 * 8 + 1)),
        ("mel_spectrogram", {"fft_length": 8, "sequence_stride": 4, "num_mel_bins": 3}, [(40,)],
         11 * (5 * 8 * 3 + 4 * 5 + 3 * (2 * 5 + 1))),
        ("random_hue", {"factor": 0.1}, [(8, 8, 3)], 0),
    ],
)  # fmt: skip
def test_operations(name: str, options: dict[str, Any], inputs: list[Any], count: int) -> None:
    layer = instance(CATALOGUE["layer", name], options)
    tensors = [Tensor(shape) for shape in inputs]
    arguments: list[Any] = [tensors] if layer.takes_list else tensors
    assert layer.flops(layer.infer(*arguments), *arguments) == count


def test_unknown_sizes_have_no_count() -> None:
    layer = instance(CATALOGUE["layer", "dense"], 4)
    x = Tensor((None, 3))
    with pytest.raises(UnknownSize):
        layer.flops(layer.infer(x), x)


def test_layers_that_adapt() -> None:
    adapting = {owner.registered_name for owner in LAYERS if isinstance(vars(owner).get("adapts"), property)}
    encoding = {"discretization", "piecewise_linear_encoding"}
    assert adapting == {"normalization", "imputation", "text_imputation", "power", *encoding}
    assert instance(CATALOGUE["layer", "string_lookup"], None).adapts
    assert not instance(CATALOGUE["layer", "string_lookup"], {"vocabulary": ["a"]}).adapts
    assert not instance(CATALOGUE["layer", "dense"], 4).adapts
