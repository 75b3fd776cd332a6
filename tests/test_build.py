"""Static analysis against real Keras: every spec of ours, and random ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dlspec.backends.keras.build import build_with_tensors, keras_facts, verify
from dlspec.passes import compile_spec
from dlspec.syntax.source import load
from tests.random_specs import Writer
from tests.support import LARGE_MODEL, ROOT, SPECS, as_documented, compile_text

LARGE = 30_000_000  # parameters; Keras then takes seconds and hundreds of megabytes to make the weights


def _marked(spec: str) -> Any:
    expected = load((ROOT / spec).read_text(encoding="utf-8")).data.get("expect", {})
    return pytest.param(spec, marks=[pytest.mark.slow, LARGE_MODEL] if expected.get("parameters", 0) > LARGE else [])


@pytest.mark.parametrize("spec", [_marked(spec) for spec in SPECS])
def test_static_analysis_agrees_with_keras(spec: str, request: pytest.FixtureRequest) -> None:
    state = compile_spec(ROOT / spec)
    assert not state.diagnostics.errors
    assert state.graph is not None
    assert ("slow" in [mark.name for mark in request.node.iter_markers()]) == (state.graph.parameters > LARGE)
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    report = as_documented("output/build", json.dumps(keras_facts(state.graph, model, tensors)))
    assert report["parameters"]["total"] == state.graph.parameters


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_agree_with_keras(seed: int, tmp_path: Path) -> None:
    check_random_graph(seed, tmp_path)


def check_random_graph(seed: int, folder: Path) -> None:
    """One case; ``make fuzz`` runs a thousand."""
    text = Writer(seed).text()
    state = compile_text(folder, text)
    assert not state.diagnostics.errors, f"{state.diagnostics.errors}\n{text}"
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == [], text


def test_resnet50_has_the_shapes_of_keras_applications() -> None:
    import keras

    state = compile_spec(ROOT / "specs/cnn/resnet50.yaml")
    assert state.graph is not None
    reference = keras.applications.ResNet50(weights=None)
    assert state.graph.parameters == reference.count_params() == 25_636_712
    ours = [
        node.outputs[0].shape for node in state.graph.nodes if node.kind in ("conv2d", "dense", "add", "zero_padding2d")
    ]
    kinds = (keras.layers.Conv2D, keras.layers.Dense, keras.layers.Add, keras.layers.ZeroPadding2D)
    theirs = [tuple(layer.output.shape[1:]) for layer in reference.layers if isinstance(layer, kinds)]
    assert sorted(ours) == sorted(theirs)


def test_equal_seeds_give_equal_weights(tmp_path: Path) -> None:
    import numpy as np

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.seeding import set_seed

    state = compile_text(tmp_path, "inputs: {x: [4]}\nlayers:\n  - dense: {units: 3, repeat: 2}\n")
    assert state.graph is not None
    weights = []
    for _ in range(2):
        set_seed(5)
        weights.append(build(state.graph).get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    assert not np.array_equal(weights[0][0][:3], weights[0][2])


def test_a_causal_mask_reaches_the_call(tmp_path: Path) -> None:
    """A later step of the input changes no earlier step of the output."""
    import numpy as np

    from dlspec.backends.keras.build import build

    layer = "multi_head_attention: {num_heads: 2, key_dim: 4, use_causal_mask: true, from: [x, x]}"
    state = compile_text(tmp_path, f"inputs: {{x: [5, 8]}}\nlayers:\n  - {layer}\n")
    assert state.graph is not None
    model = build(state.graph)
    first = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    second = first.copy()
    second[0, 3:] += 1
    before, after = model(first).numpy(), model(second).numpy()
    np.testing.assert_allclose(before[0, :3], after[0, :3], atol=1e-6)
    assert abs(before[0, 3:] - after[0, 3:]).max() > 1e-3


def test_a_disagreement_is_told_at_its_line(tmp_path: Path) -> None:
    state = compile_text(tmp_path, "inputs: {x: [4]}\nlayers:\n  - dense: 3\n")
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    *others, last = state.graph.nodes
    wrong = replace(last, outputs=(last.outputs[0].reshaped((5,)),))
    (difference,) = verify(replace(state.graph, nodes=(*others, wrong)), model, tensors)
    item = difference.diagnostic()
    text = "static analysis and Keras disagree on the output shape of `dense`: static [5], Keras [3]"
    assert (item.code, item.message) == ("E902", text)
    assert item.span is not None
    assert item.span.line == 3


@pytest.mark.parametrize(
    "options", ["num_heads: 2, key_dim: 4", "head_dim: 4, num_query_heads: 2, num_key_value_heads: 1"]
)
def test_an_attention_mask_and_scores(options: str, tmp_path: Path) -> None:
    """A tensor hides steps of the value; the scores, a second output, say so and add up to 1."""
    import numpy as np

    from dlspec.backends.keras.build import build

    layer = "multi_head_attention" if "num_heads" in options else "group_query_attention"
    text = f"""\
inputs: {{x: [5, 8], seen: {{shape: [1, 5], dtype: bool}}}}
layers:
  - {layer}:
      {{{options}, return_attention_scores: true, name: [y, scores],
       from: {{query: x, value: x, attention_mask: seen}}}}
outputs: [y, scores]
"""
    state = compile_text(tmp_path, text)
    assert not state.diagnostics.errors
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    x = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    result = build(state.graph)({"x": x, "seen": np.array([[[True, True, False, True, False]]])})
    scores = result["scores"].numpy()
    assert scores.shape == (1, 2, 5, 5)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-6)
    assert (scores[..., [2, 4]] < 1e-6).all()
    assert (scores[..., [0, 1, 3]] > 1e-6).all()


INNER_FIRST = "{Tower: {from: a, name: left}}, {Encoder: {from: b, name: right}}"
OUTER_FIRST = "{Encoder: {from: b, name: right}}, {Tower: {from: a, name: left}}"


@pytest.mark.parametrize("calls", [INNER_FIRST, OUTER_FIRST])
def test_a_shared_model_inside_another_is_one_instance(calls: str, tmp_path: Path) -> None:
    import numpy as np

    text = f"""\
inputs: {{a: [4], b: [4]}}
models:
  Tower: {{inputs: {{x: [4]}}, layers: [dense: 3]}}
  Pair:
    inputs: {{x: [4]}}
    layers: [{{Tower: {{from: x, name: one}}}}, {{Tower: {{from: x}}}}, {{add: [one, prev]}}]
  Encoder:
    inputs: {{x: [4]}}
    layers: [{{Pair: {{from: x, name: pair}}}}, {{Tower: {{from: x}}}}, {{add: [pair, prev]}}, dense: 3]
layers: [{calls}, {{add: [left, right]}}]
expect: {{parameters: {15 + 12}}}
"""
    state = compile_text(tmp_path, text)
    assert not state.diagnostics.errors
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    assert len(model.weights) == 4
    for weight in model.get_layer("Tower").weights:
        weight.assign(np.zeros(weight.shape))
    x = np.ones((1, 4), "float32")
    assert not model({"a": x, "b": x}).numpy().any()  # the tower inside of the encoder is the same one


def test_shared_models_are_made_first(tmp_path: Path) -> None:
    """Random numbers are drawn for the innermost first: generated code can do the same."""
    import numpy as np
    from keras import layers

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.seeding import set_seed

    text = """\
inputs: {x: [4]}
models:
  Outer: {inputs: {x: [4]}, layers: [{dense: 3}, {Inner: {}}]}
  Inner: {inputs: {x: [3]}, layers: [{dense: 2}]}
layers: [{dense: 4}, Outer]
"""
    graph = compile_text(tmp_path, text).graph
    assert graph is not None
    set_seed(3)
    model = build(graph)
    set_seed(3)
    made = [layers.Dense(units) for units in (2, 3, 4)]
    for layer, size in zip(made, (3, 4, 4), strict=True):
        layer.build((None, size))
    inner, outer, main = (layer.kernel.numpy() for layer in made)
    kernels = [weight.numpy() for weight in model.weights if weight.name == "kernel"]
    assert all(np.array_equal(*pair) for pair in zip(kernels, (main, outer, inner), strict=True))
