"""Small specs whose targets are steps of an input; importing this adds them to the cases."""

from __future__ import annotations

from pathlib import Path

from tests.emit.project_cases import case, table

_EMBEDDED = "{embedding: {input_dim: 24, output_dim: 4, from: %s}}"
_TOLD = "{dense: {units: 24, activation: softmax, name: next}}"


def _sequences(folder: Path, inputs: str, layers: str, data: str) -> str:
    table(folder)
    return (
        f"inputs: {{{inputs}}}\nlayers: [{layers}]\noutputs: next\n"
        f"data:\n  source: {{csv: a.csv}}\n{data}\n  split: {{validation: 0.2, test: 0.2}}\n  batch_size: 8\n"
        "train: {loss: sparse_categorical_crossentropy, metrics: [accuracy, perplexity], epochs: 2}\n"
    )


@case
def two_texts_prepared_alike(folder: Path) -> str:
    steps = "prepare: [{text_vectorization: {max_tokens: 24}}]"
    layers = (
        f"{_EMBEDDED % 'source'}, {{gru: {{units: 4, name: read}}}}, {_EMBEDDED % 'decoder'}, "
        f"{{gru: {{from: {{sequence: prev, initial_state: read}}, units: 4, return_sequences: true}}}}, {_TOLD}"
    )
    data = (
        f"  inputs:\n    source: {{column: tags, {steps}, length: 3}}\n"
        "    decoder: {column: day, prepare: {like: source}, marks: [start, end], length: 5}\n"
        "  targets: {next: {input: decoder, shift: 1}}"
    )
    inputs = "source: {shape: [3], dtype: int64}, decoder: {shape: [4], dtype: int64}"
    return _sequences(folder, inputs, layers, data) + "generate: {beam: {width: 2, length: 3}}\n"


@case
def token_ids_told_two_ahead(folder: Path) -> str:
    data = (
        "  inputs: {x: {column: ids, length: 5, marks: {start: 11, end: 12}}}\n"
        "  targets: {next: {input: x, shift: 2}}\n  weight: yes\n"
    )
    layers = f"{_EMBEDDED % 'x'}, {{gru: {{units: 4, return_sequences: true}}}}, {_TOLD}"
    return _sequences(folder, "x: {shape: [3], dtype: int32}", layers, data)


@case
def pieces_with_a_context(folder: Path) -> str:
    steps = "prepare: [{text_vectorization: {split: character, max_tokens: 24}}], marks: [end]"
    data = (
        f"  inputs: {{x: {{column: day, {steps}}}}}\n"
        "  examples: {stream: {input: x, length: 9, stride: 5, context: 3}}\n"
        "  targets: {next: {input: x, shift: 1}}"
    )
    layers = f"{_EMBEDDED % 'x'}, {{gru: {{units: 4, return_sequences: true}}}}, {_TOLD}"
    return _sequences(folder, "x: {shape: [8], dtype: int64}", layers, data) + "generate: {sample: 0.5}\n"


def _hidden(folder: Path, feature: str, examples: str, shape: str) -> str:
    data = f"  inputs: {{x: {feature}}}\n{examples}  targets: {{next: {{input: x, masked: 0.3}}}}"
    layers = f"{_EMBEDDED % 'x'}, {{bidirectional: {{layer: {{gru: {{units: 2, return_sequences: true}}}}}}}}, {_TOLD}"
    return _sequences(folder, f"x: {{shape: [{shape}], dtype: int64}}", layers, data)


@case
def hidden_signs_of_pieces(folder: Path) -> str:
    feature = "{column: day, prepare: [{text_vectorization: {split: character, max_tokens: 24}}]}"
    return _hidden(folder, feature, "  examples: {stream: {input: x, length: 8, stride: 4}}\n", "8")


@case
def hidden_ids_in_the_order_of_the_source(folder: Path) -> str:
    return _hidden(folder, "{column: ids, length: 4, marks: {mask: 23}}", "  shuffle: false\n", "4")
