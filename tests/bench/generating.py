"""Rows that a model writes from what it keeps of the steps so far, against whole rows for each step, and by hand."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.measuring import paired, report

STEPS, WORDS = 100, 100
SPEC = """
inputs: {{row: {{shape: [{steps}], dtype: int64}}}}
blocks:
  Layer:
    layers:
      - layer_normalization: {{name: query}}
      - multi_head_attention: {{from: [query, query], num_heads: 4, key_dim: {head}, use_causal_mask: true}}
      - add: {{from: [input, prev], name: seen}}
      - layer_normalization
      - dense: {{units: {hidden}, activation: gelu}}
      - dense: {width}
      - add: [seen, prev]
layers:
  - embedding: {{input_dim: {words}, output_dim: {width}}}
  - positional_embedding
  - repeat: {{times: {layers}, layers: [Layer]}}
  - layer_normalization
  - dense: {{units: {words}, activation: softmax}}
"""


def writing_speed() -> bool:
    """100 indices: a fourth of the time of whole rows for a batch, half for one row, never more; less than by hand."""
    good = []
    for width, layers, batch, limit in ((128, 4, 16, 1 / 4), (128, 4, 1, 1 / 2), (64, 2, 16, 1.0), (64, 2, 1, 1.0)):
        kept, whole, hand = _writers(width, layers, batch)
        ours, base, ratio = paired(kept, whole, 3)
        what = f"100 indices, width {width}, {layers} layers, batch {batch}"
        good.append(report(f"{what}: {ours:.2f} s / whole rows {base:.2f} s", ratio, limit))
        ours, base, ratio = paired(kept, hand, 3)
        good.append(report(f"{what}: {ours:.2f} s / by hand {base:.2f} s", ratio, 1.0))
    return all(good)


def _writers(width: int, layers: int, batch: int) -> tuple[Callable[[], float], ...]:
    """What writes by kept steps, from whole rows, and as a loop of Keras's by hand; all write the same."""
    import tensorflow as tf

    from dlspec.backends.keras.build import build
    from dlspec.backends.keras.stepping import Stepper
    from dlspec.graph.stepwise import step_plan
    from dlspec.passes import compile_spec
    from dlspec.standalone import generating

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spec.yaml")
        sizes = {"head": width // 4, "hidden": 4 * width, "width": width, "layers": layers}
        path.write_text(SPEC.format(steps=STEPS, words=WORDS, **sizes))
        graph = compile_spec(path).graph
    assert graph is not None
    core = build(graph)
    begun = np.zeros((batch, STEPS), np.int32)
    begun[:, 0] = 2
    numbers = np.full((batch, STEPS), 0.5, np.float32)

    def scores(_: Any, rows: Any) -> Any:
        return core(tf.cast(rows, tf.int64), training=False)

    def timed(write: Callable[[], Any]) -> tuple[Callable[[], float], Any]:
        def once() -> float:
            start = time.perf_counter()
            write()
            return time.perf_counter() - start

        return once, np.asarray(write())

    def ours(stepper: Any) -> Callable[[], Any]:
        rows = generating.Rows(scores, STEPS, STEPS, None, False, (0, 1, 2), stepper=stepper)
        write = generating.greedy(rows)
        return lambda: write({}, begun, numbers)

    call = tf.function(core, autograph=False)

    def by_hand() -> Any:
        written = np.zeros((batch, STEPS + 1), np.int64)
        written[:, 0] = 2
        for step in range(STEPS):
            shares = np.array(call(tf.constant(written[:, :STEPS])))[:, step]
            shares[:, :3] = -1
            written[:, step + 1] = shares.argmax(axis=-1)
        return written

    kept, first = timed(ours(Stepper(core, step_plan(graph, "row"), "row")))
    whole, second = timed(ours(None))
    hand, third = timed(by_hand)
    assert (first == second).all() and (first == third).all()
    return kept, whole, hand
