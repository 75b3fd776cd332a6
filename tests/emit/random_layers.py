"""Pieces of random specs: single layers and operations on sequences of shape [4, width], which they keep."""

# ruff: noqa: E501 (tables of specs in small)
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emit.random_structured import Place, Structured

Step = Any


def piece(spec: Structured, place: Place) -> list[Step]:
    """One of them."""
    kinds = [plain, operation, operations, states, wrapped, attention, fixed, ours, components, image, weight, dtypes]
    return spec.random.choice(kinds)(spec, place)


def plain(spec: Structured, place: Place) -> list[Step]:
    return [spec.random.choice([
        "batch_normalization", {"layer_normalization": {"epsilon": 1e-3}}, {"dropout": spec.rate(place)}, "re_lu",
        {"gaussian_noise": spec.rate(place)}, {"activation": spec.act(place)}, {"leaky_re_lu": 0.1}, "identity",
        {"conv1d": {"filters": "$channels", "kernel_size": spec.random.choice([1, 3, [2]]), "padding": "same"}},
        {"lstm": {"units": spec.width, "return_sequences": True}}, {"spatial_dropout1d": 0.3},
        {"permute": [1, 2]}, {"reshape": [4, -1]}, "unit_normalization", {"rescaling": "1 / 2"},
        {"max_pooling1d": {"pool_size": 2, "strides": 1, "padding": "same"}},
        {"average_pooling1d": {"pool_size": 2, "strides": 1, "padding": "same"}},
    ])]  # fmt: skip


def operation(spec: Structured, place: Place) -> list[Step]:
    return [spec.random.choice([
        {"ops.multiply": {"x2": 0.5}}, {"ops.subtract": {"x1": 1}}, {"ops.divide": {"x1": 2.0, "from": "prev", "if": False}},
        {"ops.clip": {"x_min": -1, "x_max": 1}}, "ops.tanh", {"ops.softmax": -1}, {"ops.flip": 1},
        {"ops.maximum": {"x2": 0}}, {"ops.roll": {"shift": spec.integer(place), "axis": -1}}, {"ops.power": {"x2": 2}},
        {"ops.multiply": {"x1": spec.rate(place)}}, {"ops.add": {"x2": spec.rate(place)}}, "ops.sigmoid",
        {"ops.normalize": {"axis": -1}}, {"ops.cumsum": 1}, {"ops.where": {"x2": 0.0, "from": ["prev", "prev"]}},
    ])]  # fmt: skip


def operations(spec: Structured, place: Place) -> list[Step]:
    """Several in a row, which leave the shape and come back to it."""
    a, b = spec.name(place), spec.name(place)
    return spec.random.choice([
        [{"ops.reshape": [-1, 1]}, {"ops.reshape": {"newshape": [4, -1]}}],
        [{"ops.expand_dims": 1}, {"ops.squeeze": 1}],
        [{"ops.transpose": [0, 2, 1]}, {"ops.swapaxes": {"axis1": 1, "axis2": -1}}],
        [{"dense": {"units": spec.width, "name": a}}, {"ops.einsum": {"subscripts": "bqd,bkd->bqk", "from": [a, "prev"]}},
         {"ops.einsum": {"subscripts": "bqk,bkd->bqd", "from": ["prev", a]}}],
        [{"ops.pad": [[1, 0], [0, 0]]}, {"ops.slice": {"start_indices": [1, 0], "shape": [4, spec.width]}}],
        [{"ops.take": {"indices": [3, 0, 1, 2], "axis": 1}}],
        [{"ops.tile": [2, 1]}, {"ops.take": {"indices": [0, 1, 2, 3], "axis": 1}}],
        [{"ops.split": {"indices_or_sections": 2, "axis": 1, "name": [a, b]}}, {"ops.concatenate": {"axis": 1, "from": [b, a]}}],
        [{"ops.top_k": {"k": 1, "name": [a, b]}}, {"ops.repeat": {"repeats": "$width", "axis": -1, "from": a}}],
        [{"ops.mean": {"axis": 1, "keepdims": True, "name": a}}, {"ops.repeat": {"repeats": 4, "axis": 1}}],
        [{"ops.mean": {"axis": [1], "keepdims": True}}, {"up_sampling1d": 4}],
        [{"ops.stack": {"axis": 1, "from": ["prev", "prev"]}}, {"ops.max": 1}],
        [{"dense": {"units": spec.width, "name": a}}, {"ops.transpose": [0, 2, 1]}, {"ops.matmul": ["prev", a]},
         {"ops.matmul": [a, "prev"]}],
        [{"ops.cast": "float16"}, {"ops.cast": "float32"}],
    ])  # fmt: skip


def states(spec: Structured, place: Place) -> list[Step]:
    """Several outputs, and initial states."""
    s, h, c = spec.name(place), spec.name(place), spec.name(place)
    kind = spec.random.choice(["lstm", "gru", "simple_rnn"])
    names = [s, h, c] if kind == "lstm" else [s, h]
    first = {kind: {"units": spec.width, "return_sequences": True, "return_state": True, "name": names}}
    state: Any = names[1:] if len(names) > 2 or spec.flip() else h
    source = {"sequence": spec.random.choice([s, "prev"]), "initial_state": state}
    return [
        first,
        *([spec.dense(place)] if spec.flip() else []),
        {kind: {"units": spec.width, "return_sequences": True, "from": source}},
    ]


def wrapped(spec: Structured, place: Place) -> list[Step]:
    inner = spec.random.choice(["lstm", "gru"])
    back = [{"dense": spec.width}]
    return spec.random.choice([
        [{"bidirectional": {"layer": {inner: {"units": spec.integer(place), "return_sequences": True}}}}, *back],
        [{"bidirectional": {"layer": {"gru": {"units": spec.width, "return_sequences": True}}, "merge_mode": "sum"}}],
        [{"time_distributed": {"layer": {"dense": {"units": spec.integer(place), "activation": spec.act(place)}}}}, *back],
        [{"time_distributed": "identity"}],
        [{"spectral_normalization": {"layer": {"dense": spec.width}, "power_iterations": 2}}],
        [{"weight_normalization": {"layer": {"dense": spec.width}}}],
        [{"rnn": {"cell": {"lstm_cell": spec.integer(place)}, "return_sequences": True}}, *back],
        [{"rnn": {"cell": {"stacked_rnn_cells": {"cells": [{"lstm_cell": 2}, {"gru_cell": spec.width}]}}, "return_sequences": True}}],
        [{"pipeline": [{"rescaling": 0.5}, {"dense": 3}, "batch_normalization", {"dense": spec.width}]}],
        [{"bidirectional": {"layer": {"lstm": {"units": 2, "return_sequences": True}}, "backward_layer": {"lstm": {"units": 2, "return_sequences": True, "go_backwards": True}}}}, *back],
    ])  # fmt: skip


def attention(spec: Structured, place: Place) -> list[Step]:
    """Options of the call, and several outputs."""
    a, b = spec.name(place), spec.name(place)
    heads = {"num_heads": spec.random.choice([1, 2]), "key_dim": spec.integer(place)}
    return spec.random.choice([
        [{"multi_head_attention": {**heads, "from": ["prev", "prev"], "use_causal_mask": True}}],
        [{"multi_head_attention": {**heads, "from": {"query": "prev", "value": "prev"}, "return_attention_scores": True, "name": [a, b]}},
         *([{"ops.mean": {"axis": 1, "from": b}}, {"dense": spec.width}] if spec.flip() else [])],
        [{"attention": ["prev", "prev"]}],
        [{"attention": {"from": ["prev", "prev"], "use_scale": True, "use_causal_mask": True}}],
        [{"additive_attention": ["prev", "prev"]}],
        [{"dense": {"units": spec.width, "name": a}}, {"multi_head_attention": {**heads, "from": {"query": "prev", "value": a, "key": a}, "dropout": spec.rate(place)}}],
        [{"group_query_attention": {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1, "from": ["prev", "prev"]}}],
    ])  # fmt: skip


def fixed(spec: Structured, place: Place) -> list[Step]:
    """Layers that do not learn."""
    return [spec.random.choice([
        {"dense": {"units": spec.width, "trainable": False}},
        {"dense": {"units": spec.width, "trainable": spec.random.choice([True, "not $deep" if "$deep" in place.flags else False])}},
        {"batch_normalization": {"trainable": False}},
        {"time_distributed": {"layer": {"dense": spec.width}, "trainable": False}},
        {"time_distributed": {"layer": {"dense": {"units": spec.width, "trainable": False}}}},
        {"bidirectional": {"layer": {"lstm": {"units": spec.width, "return_sequences": True}}, "merge_mode": "ave", "trainable": False}},
        {"multi_head_attention": {"num_heads": 1, "key_dim": 2, "from": ["prev", "prev"], "trainable": False}},
        {"rnn": {"cell": {"gru_cell": spec.width}, "return_sequences": True, "trainable": False}},
    ])]  # fmt: skip


def ours(spec: Structured, place: Place) -> list[Step]:
    """Layers that Keras lacks."""
    return [spec.random.choice([
        "sinusoidal_positional_encoding", "positional_embedding", {"positional_embedding": 9}, "instance_normalization",
        {"layer_scale": 0.1}, {"stochastic_depth": 0.1}, {"maxout": {"units": spec.width, "pieces": 3}},
        {"reservoir": {"units": spec.width, "return_sequences": True}},
        {"local_response_normalization": {"size": 3}}, {"kl_sparsity": {"sparsity": 0.1, "if": False}},
    ])]  # fmt: skip


def components(spec: Structured, place: Place) -> list[Step]:
    """Initializers, regularizers, constraints and activations with options."""
    options: dict[str, Any] = {"units": spec.width}
    choices: dict[str, list[Any]] = {
        "kernel_initializer": ["he_normal", {"random_normal": 0.02}, {"variance_scaling": {"scale": spec.rate(place)}},
                               {"glorot_uniform": {"seed": 3}}, "orthogonal", {"constant": "1 / 8"}],
        "bias_initializer": ["ones", {"random_uniform": {"minval": -0.1, "maxval": 0.1}}],
        "kernel_regularizer": [{"l2": spec.rate(place)}, {"l1_l2": {"l1": 0.1, "l2": 0.2}}, "l1", {"orthogonal_regularizer": {"factor": 0.1}}],
        "activity_regularizer": [{"l1": 0.01}],
        "kernel_constraint": [{"max_norm": 2}, "unit_norm", "non_neg", {"min_max_norm": {"min_value": 0.1}}],
        "activation": [{"leaky_relu": {"negative_slope": spec.rate(place)}}, {"elu": {"alpha": 0.5}}, "swish", "log_softmax"],
    }  # fmt: skip
    names = list(choices)
    spec.random.shuffle(names)
    for name in names[: spec.random.randint(1, 4)]:
        options[name] = spec.random.choice(choices[name])
    return [{"dense": options}]


def image(spec: Structured, place: Place) -> list[Step]:
    """A detour over images."""
    back = {"reshape": [4, spec.width]}
    middle = spec.random.choice([
        {"conv2d": {"filters": 1, "kernel_size": spec.random.choice([3, [1, 2], "$half"]) if "$half" in place.ints else 3, "padding": "same"}},
        {"depthwise_conv2d": {"kernel_size": 3, "padding": "same"}}, {"random_flip": "horizontal"},
        {"random_rotation": 0.1}, {"random_contrast": 0.2}, "equalization", {"random_zoom": [0.1, 0.2]},
        {"max_pooling2d": {"pool_size": 2, "strides": 1, "padding": "same"}}, {"patch_extraction": 1},
    ])  # fmt: skip
    return [{"reshape": [4, spec.width, 1]}, middle, back]


def weight(spec: Structured, place: Place) -> list[Step]:
    """Learned tensors."""
    a, w = spec.name(place), spec.name(place)
    named = {"weight": {"shape": [4, "$channels"] if spec.flip(0.3) else [4, spec.width], "name": w}}
    if spec.flip():
        named["weight"]["initializer"] = "zeros"
    if spec.flip(0.3):
        named["weight"]["trainable"] = False
    if "$channels" in named["weight"]["shape"]:
        named["weight"]["from"] = "prev"
    start = {"dense": {"units": spec.width, "name": a}}
    if spec.flip(0.3):
        return [start, named, {"ops.multiply": {"from": [w, a]}}]
    return [start, named, {spec.random.choice(["add", "ops.add", "multiply"]): [a, w]}]


def dtypes(spec: Structured, place: Place) -> list[Step]:
    return [spec.random.choice([
        {"dense": {"units": spec.width, "dtype": "float64"}}, {"dense": {"units": spec.width, "dtype": "mixed_float16"}},
        {"layer_normalization": {"dtype": "float32"}}, {"activation": {"activation": "relu", "dtype": "bfloat16"}},
    ]), {"dense": spec.width}]  # fmt: skip
