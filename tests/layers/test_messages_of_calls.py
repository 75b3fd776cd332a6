"""What layers say when tensors besides the first one do not fit."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from both import CATALOGUE, instance

from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor


def layer(name: str, options: str) -> Any:
    return instance(CATALOGUE["layer", name], yaml.safe_load(options) if options else None)


def test_states_of_unlike_layers() -> None:
    wrapper = layer("bidirectional", "{layer: {lstm: 3}, backward_layer: {gru: {units: 3, go_backwards: true}}}")
    with pytest.raises(Problem, match="takes no initial state where its layers have different numbers of states"):
        wrapper.infer(Tensor((6, 3)), [Tensor((3,))] * 3)


def test_count_weights_need_counting() -> None:
    with pytest.raises(Problem, match="takes `count_weights` only with `output_mode: count`, not multi_hot"):
        layer("category_encoding", "5").infer(Tensor((3,), "int32"), Tensor((3,)))


@pytest.mark.parametrize("options", ["{cell: %s}", "{layer: {rnn: {cell: %s}}}"])
def test_states_of_stacked_cells(options: str) -> None:
    cells = "{stacked_rnn_cells: {cells: [{lstm_cell: 3}, {gru_cell: 2}]}}"
    stacked = layer("bidirectional" if "layer" in options else "rnn", options % cells)
    with pytest.raises(Problem, match="rnn takes no initial state for stacked cells of which one has several"):
        stacked.infer(Tensor((6, 3)), [Tensor((size,)) for size in (3, 3, 2)])
