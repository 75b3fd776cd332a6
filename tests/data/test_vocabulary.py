"""Embeddings that are smaller than what the data bring them (E617), counted as Keras counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import only, write

from dlspec.passes import compile_spec

SPEC = """\
inputs: {{word: {{shape: [{length}], dtype: int64}}}}
layers:
  - embedding: {{input_dim: {size}, output_dim: 2, name: vectors}}
  - flatten
  - dense: {{units: 1, activation: sigmoid}}
data:
  source: {{csv: a.csv}}
  inputs: {{word: {{column: word{feature}}}}}
  targets: {{y: y}}
  {split}
train: {{loss: binary_crossentropy}}
"""
WORDS = ["it's a dog", "a cat", "Cat, dog", "", "Ünder ünder", "dog"]


def found(folder: Path, size: int, feature: str, *, length: int = 1, split: str = "") -> list[Any]:
    write(folder, "a.yaml", SPEC.format(size=size, feature=feature, length=length, split=split))
    return compile_spec(folder / "a.yaml").diagnostics.errors


def table(folder: Path, words: list[Any]) -> None:
    write(folder, "a.csv", "word,y\n" + "".join(f'"{word}",{row % 2}\n' for row, word in enumerate(words)))


LOOKUPS = (
    "string_lookup",
    "string_lookup: {num_oov_indices: 3}",
    'string_lookup: {mask_token: ""}',
    "string_lookup: {max_tokens: 3}",
    "text_vectorization: {output_sequence_length: 4}",
    "text_vectorization: {output_sequence_length: 4, standardize: lower}",
    "text_vectorization: {output_sequence_length: 4, standardize: strip_punctuation}",
    "text_vectorization: {output_sequence_length: 4, standardize: null}",
    "text_vectorization: {output_sequence_length: 4, max_tokens: 4}",
)


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_the_size_is_the_one_that_keras_learns(tmp_path: Path, lookup: str) -> None:
    import keras

    from dlspec.syntax.source import load

    table(tmp_path, WORDS)
    name, _, options = lookup.partition(":")
    length = 4 if "sequence" in options else 1
    feature = f", prepare: [{{{lookup}}}]" if options else f", prepare: [{lookup}]"
    problem = only(found(tmp_path, 1, feature, length=length))
    given = load(options.strip(), "x").data if options else {}
    layer = getattr(keras.layers, {"string_lookup": "StringLookup"}.get(name, "TextVectorization"))(**given)
    layer.adapt(np.array(WORDS, object))
    size = layer.vocabulary_size()
    assert (problem.code, problem.help) == ("E617", f"write `input_dim: {size}` for `vectors`")
    assert found(tmp_path, size, feature, length=length) == []


def test_a_vocabulary_that_is_given(tmp_path: Path) -> None:
    table(tmp_path, WORDS)
    problem = only(found(tmp_path, 3, ", prepare: [{string_lookup: {vocabulary: [a, b, c]}}]"))
    assert problem.message == "`string_lookup` of input `word` gives 0 to 3, `vectors` takes 0 to 2"
    assert problem.span is not None and problem.span.line == 8
    assert problem.notes[0].span is not None and problem.notes[0].span.line == 3


def test_whole_numbers(tmp_path: Path) -> None:
    table(tmp_path, [3, 9, 4, 4])
    problem = only(found(tmp_path, 9, ""))
    assert problem.message == "input `word` brings 0 to 9, `vectors` takes 0 to 8"
    assert found(tmp_path, 10, "") == []
    assert only(found(tmp_path, 3, ", prepare: [integer_lookup]")).help == "write `input_dim: 4` for `vectors`"


def test_whole_numbers_of_every_split(tmp_path: Path) -> None:
    table(tmp_path, [*range(4)] * 4)
    split = "split: {validation: 0.25, test: 0.25}"
    assert found(tmp_path, 4, "", split=split) == []
    for row in range(16):
        table(tmp_path, [9 if row == number else number % 4 for number in range(16)])
        assert only(found(tmp_path, 4, "", split=split)).help == "write `input_dim: 10` for `vectors`"
        table(tmp_path, [-1 if row == number else number % 4 for number in range(16)])
        assert only(found(tmp_path, 4, "", split=split)).message == "input `word` brings -1: indices begin at 0"


def test_whole_numbers_that_a_file_holds_as_floating_ones(tmp_path: Path) -> None:
    table(tmp_path, ["3.0", "9.0", "4.0"])
    assert only(found(tmp_path, 9, "")).help == "write `input_dim: 10` for `vectors`"
    assert found(tmp_path, 10, "") == []


def test_fractions_are_no_indices(tmp_path: Path) -> None:
    table(tmp_path, [0.5, 1, 2])
    text = SPEC.format(size=9, feature="", length=1, split="").replace(", dtype: int64", "")
    write(tmp_path, "a.yaml", text)
    problem = only(compile_spec(tmp_path / "a.yaml").diagnostics.errors)
    assert (problem.code, problem.message) == ("E617", "input `word` brings 0.5, which is no index")
    table(tmp_path, [0, 1, 9])
    problem = only(compile_spec(tmp_path / "a.yaml").diagnostics.errors)
    assert problem.help == "write `input_dim: 10` for `vectors`"


ENCODED = """\
layers:
  - dense: {units: 1, activation: sigmoid}
data:
  source: {csv: a.csv}
  inputs: {word: {column: word, prepare: [LOOKUP{category_encoding: {num_tokens: 5, output_mode: one_hot}}]}}
  targets: {y: y}
train: {loss: binary_crossentropy}
"""


@pytest.mark.parametrize(
    ("lookup", "words", "brings"),
    [
        ("", [0, 1, 5, 4], "input `word` brings"),
        ("string_lookup, ", ["a", "b", "c", "d", "e"], "`string_lookup` of input `word` gives"),
        ("integer_lookup, ", [7, 8, 9, 10, 11], "`integer_lookup` of input `word` gives"),
    ],
)
def test_encodings_that_leave_words_out(tmp_path: Path, lookup: str, words: list[Any], brings: str) -> None:
    write(tmp_path, "a.yaml", ENCODED.replace("LOOKUP", lookup))
    table(tmp_path, words)
    problem = only(compile_spec(tmp_path / "a.yaml").diagnostics.errors)
    assert problem.message == f"{brings} 0 to 5, `category_encoding` takes 0 to 4"
    assert problem.help == "write `num_tokens: 6` for `category_encoding`"
    assert problem.span is not None and problem.span.line == 5
    table(tmp_path, words[:2] * 2)
    assert compile_spec(tmp_path / "a.yaml").diagnostics.errors == []


def test_token_ids(tmp_path: Path) -> None:
    table(tmp_path, ["1 2", "7 3 12"])
    assert only(found(tmp_path, 7, ", length: 2", length=2)).message.startswith("input `word` brings 0 to 7,")
    assert found(tmp_path, 8, ", length: 2", length=2) == []


def test_validation_examples_do_not_count(tmp_path: Path) -> None:
    table(tmp_path, [f"w{row}" for row in range(20)])
    problem = only(found(tmp_path, 5, ", prepare: [string_lookup]", split="split: {validation: 0.25}"))
    assert problem.help == "write `input_dim: 16` for `vectors`"


def test_filled_in_words_count(tmp_path: Path) -> None:
    table(tmp_path, ["a", "b", "", "a"])
    feature = ", missing: {constant: none}, prepare: [string_lookup]"
    assert only(found(tmp_path, 3, feature)).help == "write `input_dim: 4` for `vectors`"
    assert only(found(tmp_path, 2, ", missing: most_frequent, prepare: [string_lookup]")).help.startswith(
        "write `input_dim: 3`"
    )


ROWS_SPEC = """\
{inputs}layers:
  - dense: {{units: 1, activation: sigmoid}}
data:
  source: {{csv: a.csv}}
  inputs: {{word: {{column: word, prepare: [{{{lookup}}}]}}}}
  targets: {{y: y}}
train: {{loss: binary_crossentropy}}
"""


@pytest.mark.parametrize(
    "lookup",
    [
        "string_lookup: {output_mode: one_hot}",
        "string_lookup: {output_mode: one_hot, num_oov_indices: 2}",
        'string_lookup: {output_mode: one_hot, mask_token: ""}',
        "string_lookup: {output_mode: one_hot, max_tokens: 3}",
        "text_vectorization: {output_mode: multi_hot}",
        "text_vectorization: {output_mode: tf_idf, max_tokens: 4}",
    ],
)
def test_rows_are_as_long_as_keras_makes_them(tmp_path: Path, lookup: str) -> None:
    import keras

    from dlspec.syntax.source import load

    table(tmp_path, WORDS)
    name, _, options = lookup.partition(":")
    layer = getattr(keras.layers, {"string_lookup": "StringLookup"}.get(name, "TextVectorization"))(
        **load(options.strip(), "x").data
    )
    layer.adapt(np.array(WORDS, object))
    size = layer(np.array(WORDS[:1], object)).shape[-1]
    write(tmp_path, "a.yaml", ROWS_SPEC.format(inputs="", lookup=lookup))
    state = compile_spec(tmp_path / "a.yaml")
    assert not state.diagnostics.errors and state.graph is not None
    assert state.graph.nodes[state.graph.inputs[0]].outputs[0].shape == (size,)
    write(tmp_path, "a.yaml", ROWS_SPEC.format(inputs=f"inputs: {{word: [{size}]}}\n", lookup=lookup))
    assert not compile_spec(tmp_path / "a.yaml").diagnostics.errors
    write(tmp_path, "a.yaml", ROWS_SPEC.format(inputs=f"inputs: {{word: [{size + 1}]}}\n", lookup=lookup))
    problem = only(compile_spec(tmp_path / "a.yaml").diagnostics.errors)
    assert (problem.code, problem.help) == ("E605", f"write `inputs: {{word: [{size}]}}`")


@pytest.mark.parametrize(
    ("missing", "strategy"),
    [
        ("mean", {"strategy": "mean"}),
        ("median", {"strategy": "median"}),
        ("most_frequent", {"strategy": "most_frequent"}),
        ("{constant: 77}", {"strategy": "constant", "fill_value": 77.0}),
    ],
)
def test_numbers_that_are_filled_in_count_as_for_keras(tmp_path: Path, missing: str, strategy: dict[str, Any]) -> None:
    import keras

    from dlspec.keras_layers.imputation import Imputation

    table(tmp_path, [1, 4, "", 9, 5, 4])
    filling, lookup = Imputation(dtype="float64", **strategy), keras.layers.IntegerLookup(output_mode="multi_hot")
    values = np.array([[1], [4], [np.nan], [9], [5], [4]])
    if missing[0] != "{":
        filling.adapt(values)
    lookup.adapt(filling(values))
    text = ROWS_SPEC.format(inputs="", lookup="integer_lookup: {output_mode: one_hot}")
    write(tmp_path, "a.yaml", text.replace("column: word,", f"column: word, missing: {missing},"))
    state = compile_spec(tmp_path / "a.yaml")
    assert not state.diagnostics.errors and state.graph is not None
    assert state.graph.nodes[state.graph.inputs[0]].outputs[0].shape == lookup(values[:1]).shape[-1:]
