"""Small specs whose examples are made out of rows; importing this adds them to the cases."""

from __future__ import annotations

from pathlib import Path

from tests.emit.project_cases import case, table


def _put_together(folder: Path, maker: str, inputs: str, layers: str, targets: str, train: str, rows: str) -> str:
    table(folder)
    return (
        f"inputs: {{{inputs}}}\nlayers: [{layers}]\n"
        f"data:\n  source: {{csv: a.csv}}\n  inputs: {{{rows}}}\n  examples: {{{maker}}}\n  targets: {{{targets}}}\n"
        f"  split: {{validation: 0.3, test: 0.2}}\n  batch_size: 8\ntrain: {{{train}, epochs: 2}}\n"
    )


@case
def pairs_and_a_row(folder: Path) -> str:
    return _put_together(
        folder,
        "pairs: {input: x, same: yes}",
        "x_a: [2], x_b: [2], more: [1]",
        "{concatenate: [x_a, x_b, more]}, {dense: {units: 1, activation: sigmoid, name: y}}",
        "y: same",
        "loss: binary_crossentropy",
        "x: {columns: [a, b], prepare: [normalization]}, more: b",
    )


@case
def triplets_and_a_class(folder: Path) -> str:
    return _put_together(
        folder,
        "triplets: {input: x, same: flag}",
        "x_anchor: [2], x_positive: [2], x_negative: [2]",
        "{concatenate: [x_anchor, x_positive, x_negative]}, {dense: {units: 3, activation: softmax, name: y}}",
        "y: kind",
        "loss: sparse_categorical_crossentropy",
        "x: {columns: [a, b]}",
    )


_TEXT = "x: {column: tags, prepare: [{text_vectorization: {max_tokens: 10}}]}"
_NEAR = (
    "{embedding: {from: word, input_dim: 10, output_dim: 4, name: v}}, "
    "{embedding: {from: context, input_dim: 10, output_dim: 4, name: w}}, {dot: {from: [w, v], axes: [2, 2]}}, "
    "{reshape: [3]}, {activation: {activation: sigmoid, name: y}}"
)


@case
def pieces_of_a_stream(folder: Path) -> str:
    model = "{embedding: {input_dim: 10, output_dim: 4}}, flatten, {dense: {units: 2, name: y}}"
    text = _put_together(
        folder, "stream: {input: x, length: 4, stride: 2}", "x: {shape: [4], dtype: int64}", model, "", "", _TEXT
    )
    return (
        text.replace("  targets: {}\n", "")
        .replace("{dense: {units: 2, name: y}}]", "{dense: 2}, {ops.square: {name: y}}]\noutputs: y")
        .replace("train: {,", "train: {minimize: y,")
    )


@case
def skip_grams_of_texts(folder: Path) -> str:
    return _put_together(
        folder,
        "skip_grams: {input: x, window: 1, negatives: 2}",
        "word: {shape: [1], dtype: int64}, context: {shape: [3], dtype: int64}",
        _NEAR,
        "y: label",
        "loss: binary_crossentropy",
        _TEXT,
    )


@case
def words_near_a_word(folder: Path) -> str:
    return _put_together(
        folder,
        "cbow: {input: x, window: 2}",
        "context: {shape: [4], dtype: int64}",
        "{embedding: {input_dim: 10, output_dim: 4}}, flatten, {dense: {units: 10, activation: softmax, name: y}}",
        "y: word",
        "loss: sparse_categorical_crossentropy",
        _TEXT,
    )


@case
def pairs_in_the_order_of_the_source(folder: Path) -> str:
    return pairs_and_a_row(folder).replace("  batch_size: 8", "  shuffle: false\n  batch_size: 8")
