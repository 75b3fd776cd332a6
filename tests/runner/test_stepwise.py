"""Models step by step: what is kept of the steps so far gives the outputs of whole rows, on random graphs too."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from dlspec.core.ir import Graph
from dlspec.graph.stepwise import step_plan
from dlspec.passes.state import Checked
from tests.support import compile_text

# Keras's grouped attention and its normalizations say that they drop masks, which is what is meant.
pytestmark = pytest.mark.filterwarnings("ignore:.*was passed an input with a mask attached:UserWarning")

STEPS, SOURCE, WORDS, WIDTH = 7, 5, 10, 8
NEAR = 1e-5
ONE = f"inputs: {{row: {{shape: [{STEPS}], dtype: int64}}}}\n"
TWO = f"inputs: {{source: {{shape: [{SOURCE}], dtype: int64}}, row: {{shape: [{STEPS}], dtype: int64}}}}\n"
HEAD = f"  - dense: {{units: {WORDS}, activation: softmax}}\n"
EMBEDDED = f"layers:\n  - embedding: {{input_dim: {WORDS}, output_dim: {WIDTH}, mask_zero: true}}\n"

SAME = {
    "recurrent layers": EMBEDDED
    + """  - lstm: {units: 6, return_sequences: true}
  - dropout: 0.3
  - gru: {units: 6, return_sequences: true, reset_after: false}
  - simple_rnn: {units: 5, return_sequences: true, unroll: true}
""",
    "cells": EMBEDDED
    + """  - rnn: {cell: {stacked_rnn_cells: {cells: [{lstm_cell: 8}, {gru_cell: 4}]}}, return_sequences: true}
  - reservoir: {units: 12, seed: 3, return_sequences: true}
""",
    "convolutions": EMBEDDED.replace(", mask_zero: true", "")
    + """  - conv1d: {filters: 6, kernel_size: 3, padding: causal, dilation_rate: 2, activation: relu}
  - conv1d: {filters: 6, kernel_size: 1, padding: causal}
  - batch_normalization
  - rms_normalization
  - time_distributed: {layer: {dense: 4}}
""",
    "attention": EMBEDDED
    + """  - positional_embedding: {name: e}
  - multi_head_attention: {from: [e, e], num_heads: 2, key_dim: 4, value_dim: 3, use_causal_mask: true, use_gate: true}
  - add: [e, prev]
  - layer_normalization: {name: q}
  - group_query_attention:
      {from: [q, q], head_dim: 4, num_query_heads: 4, num_key_value_heads: 2, use_causal_mask: true, sliding_window: 3}
  - add: [q, prev]
  - sinusoidal_positional_encoding
  - unit_normalization: {name: r}
  - multi_head_attention:
      {from: [r, r], num_heads: 2, key_dim: 4, use_causal_mask: true, return_attention_scores: true, name: [m, s]}
  - attention: {from: [m, r, e], use_causal_mask: true, use_scale: true}
""",
}
SAME_BESIDE = {
    "Luong": f"""layers:
  - embedding: {{from: source, input_dim: {WORDS}, output_dim: {WIDTH}, mask_zero: true}}
  - lstm: {{units: 8, return_sequences: true, return_state: true, name: [read, h, c]}}
  - embedding: {{from: row, input_dim: {WORDS}, output_dim: {WIDTH}, mask_zero: true}}
  - lstm: {{from: {{sequence: prev, initial_state: [h, c]}}, units: 8, return_sequences: true, name: told}}
  - attention: {{from: [told, read], name: seen}}
  - concatenate: [seen, told]
""",
    "Bahdanau": f"""layers:
  - embedding: {{from: source, input_dim: {WORDS}, output_dim: {WIDTH}, mask_zero: true}}
  - bidirectional: {{layer: {{gru: {{units: 4, return_sequences: true}}}}, name: read}}
  - embedding: {{from: row, input_dim: {WORDS}, output_dim: {WIDTH}, mask_zero: true}}
  - gru: {{units: 8, return_sequences: true, name: told}}
  - additive_attention: {{from: [told, read], name: seen}}
  - concatenate: [seen, told]
""",
    "a state for each step": f"""layers:
  - embedding: {{from: source, input_dim: {WORDS}, output_dim: {WIDTH}}}
  - gru: {{units: 8, name: read}}
  - repeat_vector: {{n: {STEPS}, name: again}}
  - embedding: {{from: row, input_dim: {WORDS}, output_dim: {WIDTH}}}
  - concatenate: [prev, again]
  - add: [prev, {{dense: {{from: read, units: 16}}}}]
""".replace("  - add: [prev, {dense: {from: read, units: 16}}]\n", "  - dense: 8\n  - multiply: [prev, read]\n"),
    "models": f"""models:
  Decoder:
    inputs: {{x: {{shape: [{STEPS}], dtype: int64}}, memory: [{SOURCE}, {WIDTH}]}}
    layers:
      - embedding: {{from: x, input_dim: {WORDS}, output_dim: {WIDTH}, mask_zero: true}}
      - positional_embedding: {{name: e}}
      - multi_head_attention: {{from: [e, e], num_heads: 2, key_dim: 4, use_causal_mask: true}}
      - add: [e, prev]
      - multi_head_attention: {{from: [prev, memory], num_heads: 2, key_dim: 4}}
      - add: [e, prev]
  Twice:
    inputs: {{x: [{STEPS}, {WIDTH}]}}
    layers: [{{dense: {WIDTH}}}, {{gru: {{units: {WIDTH}, return_sequences: true}}}}]
layers:
  - embedding: {{from: source, input_dim: {WORDS}, output_dim: {WIDTH}, name: read}}
  - Decoder: {{from: [row, read]}}
  - Twice
  - Twice
""",
}


def graph_of(folder: Path, text: str) -> Graph:
    """The graph of a spec without mistakes."""
    state = compile_text(folder, text)
    assert not state.diagnostics.errors, [item.message for item in state.diagnostics.errors]
    assert isinstance(state, Checked)
    return state.graph


def furthest(graph: Graph) -> float:
    """How far the outputs of single steps are from those of whole rows at most, whatever rows begin with."""
    import tensorflow as tf

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.stepping import Stepper

    plan = step_plan(graph, "row")
    assert plan.reason == ""
    core, rng = build(graph), np.random.default_rng(0)
    for variable in core.weights:
        if "float" in variable.dtype and "variance" not in variable.name:
            variable.assign(variable.numpy() + rng.normal(size=variable.shape) * 0.3)
    given = {tensor.name: rng.integers(1, WORDS, size=(3, *tensor.shape[1:])) for tensor in core.inputs}
    if "source" in given:
        given["source"][0, 2:] = given["source"][1, 4:] = 0
    row = given.pop("row")
    values = [given.get(tensor.name, row) for tensor in core.inputs]
    whole = np.asarray(core(values[0] if len(values) == 1 else values))
    stepper, others = Stepper(core, plan, "row"), {name: tf.constant(value) for name, value in given.items()}

    @tf.function(autograph=False)
    def written(row: Any, begun: Any) -> Any:
        apart = stepper.apart(others)
        kept = stepper.begin(apart, row[:, :begun])
        outputs = tf.TensorArray(tf.float32, size=STEPS, element_shape=[None, whole.shape[-1]])

        def body(step: Any, outputs: Any, kept: Any) -> Any:
            output, kept = stepper.advance(apart, kept, step, tf.ensure_shape(row[:, step : step + 1], [None, 1]))
            return step + 1, outputs.write(step, output[:, 0]), kept

        state = (begun, outputs, kept)
        return tf.transpose(tf.while_loop(lambda step, *_: step < STEPS, body, state)[1].stack(), [1, 0, 2])

    return max(
        float(np.abs(np.asarray(written(tf.constant(row), tf.constant(begun)))[:, begun:] - whole[:, begun:]).max())
        for begun in (0, 1, 4)
    )


@pytest.mark.parametrize("name", SAME)
def test_each_layer_gives_the_steps_of_whole_rows(name: str, tmp_path: Path) -> None:
    """Padding that is masked, a prompt, and options that change what is kept."""
    assert furthest(graph_of(tmp_path, ONE + SAME[name] + HEAD)) <= NEAR


@pytest.mark.parametrize("name", SAME_BESIDE)
def test_what_the_row_does_not_change_is_computed_once(name: str, tmp_path: Path) -> None:
    """An encoder with padding, by its states or by attention, and shared models that are called twice."""
    assert furthest(graph_of(tmp_path, TWO + SAME_BESIDE[name] + HEAD)) <= NEAR


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ("bidirectional: {layer: {gru: {units: 4, return_sequences: true}}}", "each step from the steps so far alone"),
        ("gru: {units: 4, return_sequences: true, go_backwards: true}", "each step from the steps so far alone"),
        ("conv1d: {filters: 4, kernel_size: 3, padding: same}", "each step from the steps so far alone"),
        ("group_normalization: 2", "each step from the steps so far alone"),
        ("softmax: {axis: 1}", "each step from the steps so far alone"),
        ("layer_normalization: {axis: [1, 2]}", "each step from the steps so far alone"),
        ("ops.sum: {axis: 1, keepdims: true}", "each step from the steps so far alone"),
        ("multi_head_attention: {from: [e, e], num_heads: 2, key_dim: 4}", "looks at later steps"),
        ("attention: [e, e]", "looks at later steps"),
    ],
)
def test_layers_that_look_further_are_named(layers: str, reason: str, tmp_path: Path) -> None:
    """The model then computes whole rows."""
    embedded = EMBEDDED.replace("mask_zero: true", "name: e")
    plan = step_plan(graph_of(tmp_path, f"{ONE}{embedded}  - {layers}\n  - dense: {WORDS}\n"), "row")
    assert reason in plan.reason
    assert plan.span is not None and plan.span.line == 4


def random_decoder(seed: int) -> str:
    """A decoder, with or without an encoder, of layers whose steps follow."""
    random = Random(seed)
    mask = random.choice(["", ", mask_zero: true"])
    beside = random.random() < 0.6
    lines = []
    if beside:
        lines += [
            f"  - embedding: {{from: source, input_dim: {WORDS}, output_dim: {WIDTH}{mask}}}",
            random.choice(
                [
                    f"  - gru: {{units: {WIDTH}, return_sequences: true, name: memory}}",
                    "  - bidirectional: {layer: {lstm: {units: 4, return_sequences: true}}, name: memory}",
                    "  - layer_normalization: {name: memory}",
                ]
            ),
        ]
    lines += [f"  - embedding: {{from: row, input_dim: {WORDS}, output_dim: {WIDTH}{mask}, name: n0}}"]
    count = random.randint(2, 6)
    for number in range(count):
        lines.append(random_step(random, f"n{number}", f"n{number + 1}", beside))
    if beside:  # which nothing may have looked at yet
        lines.append(f"  - attention: {{from: [n{count}, memory]}}\n  - add: [n{count}, prev]")
    return (TWO if beside else ONE) + "layers:\n" + "\n".join(lines) + "\n" + HEAD


def random_step(random: Random, last: str, name: str, beside: bool) -> str:
    """One layer, or attention with what it is added to."""
    heads = f"num_heads: {random.choice([1, 2])}, key_dim: {random.choice([3, 4])}"
    after = random.choice(["true", "false"])
    plain = [
        f"lstm: {{units: {WIDTH}, return_sequences: true, name: {name}}}",
        f"gru: {{units: {WIDTH}, return_sequences: true, reset_after: {after}, name: {name}}}",
        f"simple_rnn: {{units: {WIDTH}, return_sequences: true, name: {name}}}",
        f"conv1d: {{filters: {WIDTH}, kernel_size: {random.randint(1, 4)}, padding: causal, name: {name}}}",
        f"dense: {{units: {WIDTH}, activation: {random.choice(['relu', 'gelu', 'softmax'])}, name: {name}}}",
        f"layer_normalization: {{name: {name}}}",
        f"positional_embedding: {{name: {name}}}",
        f"sinusoidal_positional_encoding: {{name: {name}}}",
    ]
    added = [f"multi_head_attention: {{from: [{last}, {last}], {heads}, use_causal_mask: true}}"]
    added += [f"attention: {{from: [{last}, {last}], use_causal_mask: true}}"]
    if beside:
        added += [f"multi_head_attention: {{from: [{last}, memory], {heads}}}"]
        added += [f"{random.choice(['attention', 'additive_attention'])}: {{from: [{last}, memory]}}"]
    if random.random() < 0.5:
        return "  - " + random.choice(plain)
    return f"  - {random.choice(added)}\n  - add: {{from: [{last}, prev], name: {name}}}"


@pytest.mark.parametrize("seed", range(8))
def test_random_decoders_give_the_steps_of_whole_rows(seed: int, tmp_path: Path) -> None:
    """LSTM, GRU, convolutions and attention, to themselves and to an encoder."""
    assert furthest(graph_of(tmp_path, random_decoder(seed))) <= NEAR


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(8, 120))
def test_more_random_decoders_give_the_steps_of_whole_rows(seed: int, tmp_path: Path) -> None:
    """As those above."""
    assert furthest(graph_of(tmp_path, random_decoder(seed))) <= NEAR


@pytest.mark.parametrize("name", ["greedy", "sampled", "beam"])
def test_rows_are_written_as_from_whole_rows(name: str, tmp_path: Path) -> None:
    """Prompts of several lengths, and rows that become longer than what the model sees; the same indices."""
    import tensorflow as tf

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.stepping import Stepper
    from dlspec.standalone import generating

    graph = graph_of(tmp_path, ONE + SAME["attention"] + HEAD)
    core = build(graph)
    rng = np.random.default_rng(1)
    for variable in core.weights:
        if "float" in variable.dtype:
            variable.assign(variable.numpy() + rng.normal(size=variable.shape) * 0.3)
    options: dict[str, dict[str, Any]] = {"sampled": {"temperature": 1.5, "top_k": 6}, "beam": {"width": 3}}
    for length, width, begun in ((STEPS, STEPS, (1, 1, 1, 1)), (STEPS, STEPS, (1, 2, 4, 3)), (13, 13, (2, 3, 9, 5))):
        rows = np.zeros((4, width), np.int32)
        for row, count in zip(rows, begun, strict=True):
            row[:count] = rng.integers(3, WORDS, size=count)
        numbers = rng.random((4, width)).astype("float32")
        made = []
        for stepper in (None, Stepper(core, step_plan(graph, "row"), "row")):
            how = generating.Rows(
                lambda _, some: core(tf.cast(some, tf.int64)), STEPS, length, 2, False, (0, 1), width, 4, None, stepper
            )
            write = getattr(generating, name)(how, **options.get(name, {}))
            made.append(np.asarray(write({}, rows, numbers)))
        assert (made[0] == made[1]).all()
        assert (made[0][:, :width] != 0).sum() > sum(begun)
