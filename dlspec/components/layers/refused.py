"""Layers of Keras that a spec cannot use, each with the reason and an alternative; figures that are no metrics."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """Why a class or function of Keras is no layer of a spec."""

    reason: str
    help: str


# Figures of texts that `generate` writes; each epoch of a training knows no such texts.
OF_WRITTEN_TEXTS = frozenset(
    (
        "bleu",
        "chrf",
        "rouge",
        "rouge_1",
        "rouge_2",
        "rouge_l",
        "word_error_rate",
        "character_error_rate",
        "edit_distance",
    )
)

_CODE = "a spec holds data, never code to run"
_BASE = "it is a base class of layers and does nothing by itself"
_CELL = "a cell computes one step of a sequence"

REFUSED: dict[str, Refusal] = {
    "flax_layer": Refusal(f"it wraps a Flax module, and {_CODE}", "write the network in layers"),
    "gru_cell": Refusal(_CELL, "use `gru: 8`, or `rnn: {cell: {gru_cell: 8}}`"),
    "input_layer": Refusal("inputs have a section of their own", "declare it under `inputs:`"),
    "input_spec": Refusal("it describes inputs and is no layer", "declare inputs under `inputs:`"),
    "jax_layer": Refusal(f"it wraps a JAX function, and {_CODE}", "write the network in layers"),
    "lambda": Refusal(f"it runs a Python function, and {_CODE}", "use layers, such as `rescaling` or `multiply`"),
    "layer": Refusal(_BASE, "the layer's name is the key: `- dense: {units: 10}`"),
    "lstm_cell": Refusal(_CELL, "use `lstm: 8`, or `rnn: {cell: {lstm_cell: 8}}`"),
    "ops.broadcast_to": Refusal(
        "Keras cannot leave the number of examples open in the shape it takes",
        "operations on several tensors broadcast by themselves; `ops.tile` and `ops.repeat` write copies",
    ),
    "simple_rnn_cell": Refusal(_CELL, "use `simple_rnn: 8`, or `rnn: {cell: {simple_rnn_cell: 8}}`"),
    "stacked_rnn_cells": Refusal(
        _CELL, "use `rnn: {cell: {stacked_rnn_cells: {cells: [{lstm_cell: 8}, {gru_cell: 4}]}}}`"
    ),
    "tfsm_layer": Refusal(f"it runs a SavedModel, and {_CODE}", "write the network in layers"),
    "torch_module_wrapper": Refusal(f"it wraps a PyTorch module, and {_CODE}", "write the network in layers"),
    "wrapper": Refusal(_BASE, "use a layer that wraps, such as `bidirectional` or `time_distributed`"),
}
