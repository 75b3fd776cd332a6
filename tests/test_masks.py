"""Masks as Keras really carries them: where nothing is warned of, no answer depends on padding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import yaml

from dlspec.backends.keras.build import build_with_tensors, verify
from dlspec.components.registry import Component, declared
from dlspec.export.python.module import emit_model
from dlspec.passes import compile_spec
from dlspec.passes.state import Compilation
from dlspec.syntax.dumping import dump
from tests.emit.equality import compare, execute
from tests.support import ROOT, compile_text

STEPS = 6
WIDTHS = (4, 8, 32)  # one of them suits each layer
LAYERS = sorted(
    (owner for owner in declared() if owner.kind == "layer" and not owner.registered_name.startswith("ops.")),
    key=lambda owner: owner.registered_name,
)
# Layers that the normal suite tries; all others are exhaustive.
QUICK = {
    "add", "concatenate", "dot", "group_normalization", "unit_normalization", "layer_normalization", "lstm",
    "multi_head_attention", "attention", "time_distributed", "pipeline", "global_average_pooling1d", "conv1d",
}  # fmt: skip
# Layers that make a new mask of what enters: the padding of another embedding is none for them.
MAKES_MASKS = ("embedding", "reversible_embedding", "masking")


# --- one layer behind embeddings -------------------------------------------------------------------------------------


def written(owner: type[Component], value: Any, masked: list[bool], shape: list[int], width: int) -> str:
    """A spec with a layer behind an embedding for each of its inputs."""
    words = range(len(masked))
    options = dict(value) if isinstance(value, dict) else {} if value is None else {owner.shorthand: value}
    sources = [f"e{word}" for word in words]
    embeddings = [
        {"embedding": {"input_dim": 9, "output_dim": width, "mask_zero": masked[word], "from": f"x{word}",
                       "name": f"e{word}"}}
        for word in words
    ]  # fmt: skip
    step = {owner.registered_name: {**options, "from": sources[0] if len(sources) == 1 else sources}}
    inputs = {f"x{word}": {"shape": shape, "dtype": "int32"} for word in words}
    return dump({"name": "one", "inputs": inputs, "layers": [*embeddings, step]})


def uses(owner: type[Component]) -> Iterator[tuple[Any, list[bool], list[int]]]:
    """Value, masks and shape of the inputs for the uses of a layer that are tried."""
    for example in owner.examples:
        value = yaml.safe_load(example.value) if example.value else None
        count = max(1, len(example.inputs))
        for shape in ([STEPS], [STEPS, 3]):
            yield value, [True] * count, shape
            if count > 1:
                yield value, [True] + [False] * (count - 1), shape
                yield value, [False] + [True] * (count - 1), shape


def accepted(owner: type[Component], folder: Path) -> list[Compilation]:
    """The uses that dlspec takes."""
    found = []
    for value, masked, shape in uses(owner):
        for width in WIDTHS:
            state = compile_text(folder, written(owner, value, masked, shape, width))
            if not state.diagnostics.errors and state.graph is not None:
                found.append(state)
                break
    return found


def padded(state: Compilation) -> Any:
    """Word indices in which 0 is padding: whole, half and almost nothing of it."""
    assert state.graph is not None
    found = []
    for place, index in enumerate(state.graph.inputs):
        shape = [size or STEPS for size in state.graph.nodes[index].outputs[0].shape]
        words = np.random.default_rng(place).integers(1, 9, size=(3, *shape)).astype("int32")
        words[0, shape[0] // 2 :] = 0
        words[1, shape[0] - 1 :] = 0
        if len(shape) > 1:
            words[2, 1, 1:] = 0
        found.append(words)
    return found[0] if len(found) == 1 else found


def answers(model: Any, batch: Any) -> list[Any]:
    """Outputs, zero where they are masked."""
    import keras

    keras.utils.set_random_seed(3)
    found = []
    for output in keras.tree.flatten(model(batch)):
        value = np.nan_to_num(np.array(output, dtype="float64"))
        mask = getattr(output, "_keras_mask", None)
        if mask is not None:
            mask = np.array(mask)
            value = value * mask.reshape(mask.shape + (1,) * (value.ndim - mask.ndim))
        found.append(value)
    return found


def change_padding(model: Any) -> None:
    """Gives the padding of every embedding with a mask another vector."""
    import keras

    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero:
            vectors = np.array(layer.embeddings)
            vectors[0] += 3 * np.random.default_rng(5).normal(size=vectors.shape[1])
            layer.embeddings.assign(vectors)


def moved(model: Any, batch: Any) -> float:
    """How far the answers move when the padding is another."""
    before = answers(model, batch)
    change_padding(model)
    return max(float(abs(one - other).max(initial=0)) for one, other in zip(before, answers(model, batch), strict=True))


@pytest.mark.filterwarnings("ignore:.*does not support masking")
@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(
            owner, id=owner.registered_name, marks=[] if owner.registered_name in QUICK else [pytest.mark.exhaustive]
        )
        for owner in LAYERS
    ],
)
def test_padding_counts_nowhere_without_a_word(owner: type[Component], tmp_path: Path) -> None:
    import keras

    keras.backend.clear_session()
    for state in accepted(owner, tmp_path):
        if owner.registered_name in MAKES_MASKS or any(getattr(n.layer, "adapts", False) for n in state.graph.nodes):
            continue
        model, tensors = build_with_tensors(state.graph)
        assert verify(state.graph, model, tensors) == []
        if "W402" not in {item.code for item in state.diagnostics.items}:
            assert moved(model, padded(state)) < 1e-4, (state.path.read_text(), str(state.graph))


# --- whole models ----------------------------------------------------------------------------------------------------

BLOCKS = """
name: attention
inputs: {words: {shape: [null], dtype: int32}}
layers:
  - embedding: {input_dim: 9, output_dim: 8, mask_zero: true}
  - repeat:
      times: 2
      layers:
        - residual:
            layers:
              - multi_head_attention: {num_heads: 2, key_dim: 4, from: [prev, prev]}
        - layer_normalization
  - dense: 3
"""


def test_two_blocks_of_attention_keep_the_mask(tmp_path: Path) -> None:
    """Longer padding changes nothing, in the built model and in the generated one; the output's mask is there."""
    state = compile_text(tmp_path, BLOCKS)
    short = np.array([[3, 4, 5], [1, 2, 7]], "int32")
    longer = np.pad(short, [(0, 0), (0, 4)])
    for model in (build_with_tensors(state.graph)[0], execute(emit_model(state))):
        output = model(longer)
        np.testing.assert_allclose(np.array(output)[:, :3], np.array(model(short)), atol=1e-5)
        np.testing.assert_array_equal(np.array(output._keras_mask), longer != 0)


def test_a_memory_that_several_attend_to_keeps_its_mask() -> None:
    """Every decoder of the transformer leaves out the padding of the source."""
    sizes = {"words": 20, "width": 16, "heads": 2, "depth": 2, "hidden": 8}
    state = compile_spec(ROOT / "specs/attention/transformer.yaml", tuple(f"params.{k}={v}" for k, v in sizes.items()))
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    source, target = np.array([[3, 4, 5]], "int32"), np.array([[6, 7, 8, 9]], "int32")
    whole = np.array(model([source, target]))
    longer = np.array(model([np.pad(source, [(0, 0), (0, 3)]), np.pad(target, [(0, 0), (0, 2)])]))
    np.testing.assert_allclose(longer[:, :4], whole, atol=1e-6)


SHARED = """
name: shared
inputs: {one: {shape: [5], dtype: int32}, other: {shape: [5], dtype: int32}}
models:
  Attending:
    inputs: {x: [5, 8]}
    layers:
      - multi_head_attention: {num_heads: 2, key_dim: 4, from: [x, x]}
      - add: [x, prev]
layers:
  - embedding: {input_dim: 9, output_dim: 8, mask_zero: true, from: one, name: a}
  - embedding: {input_dim: 9, output_dim: 8, mask_zero: true, from: other, name: b}
  - Attending: {from: a, name: left}
  - Attending: {from: b}
  - add: [left, prev]
  - lstm: 3
  - dense: {units: 2, from: a, name: again}
  - lstm: {units: 3, from: left}
outputs: [again, prev]
"""


@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_a_shared_model_takes_no_mask_away(tmp_path: Path) -> None:
    """Whether a mask enters it is known only where it is called."""
    text = SHARED.replace("  - lstm: {units: 3, from: left}\n", "").replace("lstm: 3", "lstm: {units: 3, name: last}")
    state = compile_text(tmp_path, text.replace("[again, prev]", "[again, last]"))
    assert not state.diagnostics.errors, state.diagnostics.errors
    compare(state, emit_model(state))
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    assert moved(model, padded(state)) < 1e-4


class Sequences:
    """A random graph over sequences of words with masks, of layers that pass masks and of some that do not."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.width = self.random.choice([4, 8])
        self.names = ["e0", "e1"]

    def text(self) -> str:
        """The spec as YAML."""
        inputs = {f"x{word}": {"shape": [None], "dtype": "int32"} for word in range(2)}
        layers = [
            {"embedding": {"input_dim": 9, "output_dim": self.width, "mask_zero": self.random.random() < 0.85,
                           "from": f"x{word}", "name": f"e{word}"}}
            for word in range(2)
        ]  # fmt: skip
        models = {"Tower": {"inputs": {"t": [None, self.width]}, "layers": self.attending("t")}}
        for _ in range(self.random.randint(3, 7)):
            layers += self.piece()
        read = dump({"layers": layers})
        unread = [name for name in self.names if f"from: {name}" not in read and f"[{name}," not in read]
        unread = [name for name in unread if f", {name}]" not in read and f": {name}," not in read]
        layers += [{"average": {"from": list(dict.fromkeys([*unread, *self.names[-2:]])), "name": "merged"}}]
        layers += [self.random.choice([{"lstm": 3}, {"dense": 3}, {"global_average_pooling1d": {}}])]
        return dump({"name": "sequences", "inputs": inputs, "models": models, "layers": layers})

    def attending(self, name: str) -> list[Any]:
        return [
            {"multi_head_attention": {"num_heads": 2, "key_dim": 3, "from": [name, name]}},
            {"add": [name, "prev"]},
        ]

    def piece(self) -> list[Any]:
        """One or more steps, of which the last has a name."""
        one, other = self.random.choice(self.names), self.random.choice(self.names)
        heads = {"num_heads": 2, "key_dim": 3}
        piece = self.random.choice([
            [{"multi_head_attention": {**heads, "from": [one, other]}}, {"add": [one, "prev"]}],
            [{"multi_head_attention": {**heads, "from": {"query": one, "value": other, "key": other}}}],
            [{"dropout": {"rate": 0.2, "from": one}},
             {"multi_head_attention": {**heads, "from": ["prev", "prev"]}}, {"add": [one, "prev"]}],
            [{"group_query_attention": {"head_dim": 3, "num_query_heads": 2, "num_key_value_heads": 1,
                                        "from": [one, other]}}],
            [{"attention": [one, other]}],
            [{"Tower": {"from": one}}],
            [{"layer_normalization": {"from": one}}],
            [{"lstm": {"units": self.width, "return_sequences": True, "from": one}}],
            [{"bidirectional": {"layer": {"gru": {"units": self.width, "return_sequences": True}}, "merge_mode": "sum",
                                "from": one}}],
            [{"time_distributed": {"layer": {"dense": self.width}, "from": one}}],
            [{"conv1d": {"filters": self.width, "kernel_size": 3, "padding": "same", "from": one}}],
            [{"unit_normalization": {"axis": [1, 2], "from": one}}],
            [{"activation": {"activation": "linear", "from": one}}, {"dense": self.width}],
        ])  # fmt: skip
        name = f"n{len(self.names)}"
        last = piece[-1]
        word, value = next(iter(last.items()))
        options = value if isinstance(value, dict) else {"units" if word == "dense" else "from": value}
        piece[-1] = {word: {**options, "name": name}}
        self.names.append(name)
        return piece


def run_sequences(seed: int, folder: Path) -> None:
    """All three witnesses for one random graph, with and without padding."""
    import keras

    keras.backend.clear_session()
    state = compile_text(folder, Sequences(seed).text())
    assert {error.code for error in state.diagnostics.errors} <= {"E414"}, state.diagnostics.errors
    if state.graph is None or state.diagnostics.errors:  # a layer that leads nowhere
        return
    text = state.path.read_text(encoding="utf-8")
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == [], text
    generated = execute(emit_model(state))
    generated.set_weights(model.get_weights())
    batch = padded(state)
    for one, other in zip(answers(model, batch), answers(generated, batch), strict=True):
        np.testing.assert_array_equal(one, other, text)
    if "W402" not in {item.code for item in state.diagnostics.items}:
        assert moved(model, batch) < 1e-4, text
        assert moved(generated, batch) < 1e-4, text


@pytest.mark.filterwarnings("ignore:.*does not support masking")
@pytest.mark.parametrize("seed", [pytest.param(n, marks=[] if n < 8 else [pytest.mark.exhaustive]) for n in range(300)])
def test_random_graphs_with_masks(seed: int, tmp_path: Path) -> None:
    run_sequences(seed, tmp_path)
