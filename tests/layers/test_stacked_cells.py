"""States of cells in a stack, which Keras groups by cell and a spec names one after another."""

from __future__ import annotations

from pathlib import Path

from both import CATALOGUE, in_keras, instance, static

from dlspec.backends.keras.build import build_with_tensors, verify
from dlspec.core.ir import Tensor
from tests.support import compile_text

SPEC = """
inputs: {text: [7, 3]}
layers:
  - masking
  - rnn:
      cell: {stacked_rnn_cells: {cells: [{lstm_cell: 4}, {gru_cell: 2}]}}
      return_state: true
      name: [last, h, c, gate]
  - concatenate: [last, gate, c]
"""


def test_states_have_names_of_their_own(tmp_path: Path) -> None:
    state = compile_text(tmp_path, SPEC)
    assert not state.diagnostics.errors
    assert state.graph is not None
    model, tensors = build_with_tensors(state.graph)
    assert verify(state.graph, model, tensors) == []
    assert model.output_shape == (None, 8)


def test_each_way_has_states_of_its_own_size() -> None:
    forward = {"cell": {"stacked_rnn_cells": {"cells": [{"simple_rnn_cell": 2}, {"gru_cell": 4}]}}}
    backward = {"cell": {"stacked_rnn_cells": {"cells": [{"simple_rnn_cell": 3}, {"gru_cell": 4}]}}}
    options = {"layer": {"rnn": forward}, "backward_layer": {"rnn": {**backward, "go_backwards": True}}}
    layer = instance(CATALOGUE["layer", "bidirectional"], options)
    states = [Tensor((size,)) for size in (2, 4, 3, 4)]
    assert static(layer, [Tensor((5, 3))], states) == in_keras(layer, [Tensor((5, 3))], states)
