"""Examples that are made out of rows: which they are, how many, and that they follow from seeds and places alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.data.binding.made import Made
from dlspec.data.binding.signature import of_graph
from dlspec.data.binding.splitting import made_counts
from dlspec.data.feeding.feed import Feed
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.pipeline import Prepared, prepare
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Trainable
from dlspec.standalone import made

PAIRS = """\
name: pairs
inputs: {row_a: [4], row_b: [4]}
layers:
  - subtract: [row_a, row_b]
  - ops.square
  - dense: {units: 1, activation: sigmoid, name: same}
data:
  source: {sklearn: iris}
  inputs: {row: {column: data, prepare: [normalization]}}
  examples: {pairs: {input: row, same: target}}
  targets: {same: same}
  split: {validation: 0.2, test: 0.2, by: stratified}
  batch_size: 16
train: {loss: binary_crossentropy, epochs: 2}
"""
TRIPLETS = """\
name: triplets
inputs: {row_anchor: [4], row_positive: [4], row_negative: [4]}
layers:
  - add: [row_anchor, row_positive, row_negative]
  - dense: {units: 3, activation: softmax, name: species}
data:
  source: {sklearn: iris}
  inputs: {row: {column: data}}
  examples: {triplets: {input: row, same: target}}
  targets: {species: target}
  split: {validation: 0.2, by: stratified}
train: {loss: sparse_categorical_crossentropy, epochs: 2}
"""
WORDS = """\
name: words
inputs: {INPUTS}
layers:
  LAYERS
data:
  source: {csv: texts.csv}
  inputs: {text: {column: text, prepare: [{text_vectorization: {max_tokens: 30, PREPARED}}]}}
  examples: {MAKER}
  targets: {TARGETS}
  split: {validation: 0.25}
train: {loss: LOSS, epochs: 2}
"""
CONTEXT = "{from: context, input_dim: 30, output_dim: 4, name: of_context}"
SKIP_GRAMS = {
    "INPUTS": "word: {shape: [1], dtype: int64}, context: {shape: [4], dtype: int64}",
    "LAYERS": "- embedding: {from: word, input_dim: 30, output_dim: 4, name: of_word}\n"
    f"  - embedding: {CONTEXT}\n  - dot: {{from: [of_context, of_word], axes: 2}}\n"
    "  - reshape: [4]\n  - activation: {activation: sigmoid, name: near}",
    "MAKER": "skip_grams: {input: text, window: 2, negatives: 3}",
    "TARGETS": "near: label",
    "LOSS": "binary_crossentropy",
}
CBOW = {
    "INPUTS": "context: {shape: [4], dtype: int64}",
    "LAYERS": f"- embedding: {CONTEXT}\n  - flatten\n  - dense: {{units: 30, activation: softmax, name: word}}",
    "MAKER": "cbow: {input: text, window: 2}",
    "TARGETS": "word: word",
    "LOSS": "sparse_categorical_crossentropy",
}
STREAM = {
    "INPUTS": "text: {shape: [7], dtype: int64}",
    "LAYERS": "- embedding: {from: text, input_dim: 30, output_dim: 4}\n"
    "  - dense: {units: 30, activation: softmax, name: back}",
    "MAKER": "stream: {input: text, length: 7, stride: 3}",
    "TARGETS": "back: text",
    "LOSS": "sparse_categorical_crossentropy",
}


def trainable(folder: Path, text: str) -> Trainable:
    path = folder / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    state = compile_spec(path, (), Workspace())
    assert not state.diagnostics.items, [item.message for item in state.diagnostics.items]
    return state.trainable()  # type: ignore[attr-defined,no-any-return]


def prepared(state: Trainable) -> Prepared:
    return prepare(state.data_section, state.folder, of_graph(state.graph), state.method)


def words(folder: Path, parts: dict[str, str], prepared_as: str = "output_sequence_length: 9") -> str:
    random = np.random.default_rng(0)
    lines = [" ".join(f"w{n}" for n in random.zipf(1.5, random.integers(0, 14)) % 25) for _ in range(40)]
    (folder / "texts.csv").write_text("text\n" + "\n".join(f'"{line}."' for line in lines), encoding="utf-8")
    text = WORDS.replace("PREPARED", prepared_as)
    for key, value in parts.items():
        text = text.replace(key, value)
    return text


def visited(found: Prepared, seed: int, epoch: int, start: int = 0) -> tuple[dict[str, Any], Any]:
    """All that an epoch of training sees, in its order, from a batch on."""
    feed = Feed(found.fed, 16, seed=seed)
    feed.set_position(epoch, start)
    batches = list(feed.dataset.as_numpy_iterator())
    names = batches[0][0]
    inputs = {name: np.concatenate([batch[0][name] for batch in batches]) for name in names}
    return inputs, np.concatenate([next(iter(batch[1].values())) for batch in batches])


def tokens(part: Part, found: Prepared) -> list[list[int]]:
    """The indices of each row of a part, by Keras alone."""
    column = found.binding.table.read(["text"])["text"]
    rows = column[sorted(set(found.parts.train.tolist()))]
    (layer,) = found.layers["text"]
    return [[index for index in row if index] for row in layer(rows.tolist()).numpy().tolist()]


@pytest.mark.parametrize("size", [4, 5, 60])
def test_partners(size: int) -> None:
    classes = np.array([0, 1] * 2 + [2, 1, 0, 1, 2, 2] * 10)[:size]
    classes = classes if size > 5 else np.sort(classes)[np.array([0, 2, 1, 3, 3])[:size]]
    partners, same = made.drawn_pairs(classes, 7, 1)
    assert ((classes[partners] == classes) == (same == 1)).all() and (partners != np.arange(size)).all()
    assert same.sum() == size // 2
    positive, negative = made.drawn_triplets(classes, 7, 1)
    assert (classes[positive] == classes).all() and (positive != np.arange(size)).all()
    assert (classes[negative] != classes).all()
    assert (made.drawn_pairs(classes, 7, 1)[0] == partners).all()


def test_every_partner_is_as_likely() -> None:
    classes = np.array([0, 1, 0, 2, 1, 0, 2, 2, 0])
    seen = np.array([made.drawn_triplets(classes, 3, epoch) for epoch in range(1, 4001)])
    for row, mine in enumerate(classes):
        for chosen, allowed in zip(seen[:, :, row].T, (classes == mine, classes != mine), strict=True):
            counts = np.bincount(chosen, minlength=9)
            places = np.flatnonzero(allowed & ((np.arange(9) != row) | (classes != mine)))
            assert set(np.flatnonzero(counts)) == set(places)
            assert abs(counts[places] * len(places) / 4000 - 1).max() < 0.15


def test_negatives_follow_frequency_and_avoid_the_near_word() -> None:
    frequencies = np.array([0, 16, 81, 1, 0, 256])
    avoided = np.repeat(np.array([1, 2, 3, 5]), 20_000)
    found = made.drawn_negatives(frequencies, avoided, 2, 5)
    assert found.shape == (80_000, 2) and not (found == avoided[:, None]).any()
    for word in (1, 2, 3, 5):
        weights = frequencies**0.75 * (np.arange(6) != word)
        shares = np.bincount(found[avoided == word].ravel(), minlength=6) / 40_000
        np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.01)


def test_pairs_of_an_epoch(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path, PAIRS))
    rows = found.binding.table.read(["data", "target"])
    layer = found.layers["row"][0]
    known = {tuple(row): kind for row, kind in zip(layer(rows["data"]).numpy().tolist(), rows["target"], strict=True)}
    train = {tuple(row) for row in layer(rows["data"][found.parts.train]).numpy().tolist()}
    epochs = [visited(found, 0, epoch) for epoch in (0, 1)]
    for inputs, same in epochs:
        kinds = [[known[tuple(row)] for row in inputs[name].tolist()] for name in ("row_a", "row_b")]
        np.testing.assert_array_equal(np.equal(*kinds), same[:, 0] == 1)
        assert len(same) == found.fed.count == 90 and same.sum() == 45
        assert {tuple(row) for row in inputs["row_b"].tolist()} <= train  # partners are of the same split
    order = [np.argsort(inputs["row_a"][:, 0] * 1e3 + inputs["row_a"][:, 2], kind="stable") for inputs, _ in epochs]
    assert (epochs[0][0]["row_b"][order[0]] != epochs[1][0]["row_b"][order[1]]).any()  # drawn anew


def test_the_rest_of_an_epoch_is_that_of_the_whole_one(tmp_path: Path) -> None:
    state = trainable(tmp_path, PAIRS)
    whole, same = visited(prepared(state), 0, 3)
    rest, others = visited(prepared(state), 0, 3, start=2)  # as in another process
    np.testing.assert_array_equal(rest["row_b"], whole["row_b"][32:])
    np.testing.assert_array_equal(others, same[32:])
    again, _ = visited(prepared(trainable(tmp_path, PAIRS.replace("epochs: 2", "epochs: 2, seed: 1"))), 0, 3)
    assert (again["row_b"] != whole["row_b"]).any()


def test_validation_is_drawn_once(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path, PAIRS))
    assert found.validation is not None and found.test is not None
    before = found.validation.inputs["row_b"]
    for epoch in (0, 1):
        visited(found, 0, epoch)
    np.testing.assert_array_equal(found.validation.inputs["row_b"], before)
    assert found.validation.targets["same"].sum() == 15 and found.test.count == 30


def test_triplets_keep_the_row_that_begins_them(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path, TRIPLETS))
    rows = found.binding.table.read(["data", "target"])
    inputs, targets = found.train.inputs, found.train.targets["species"]
    np.testing.assert_allclose(inputs["row_anchor"], rows["data"][found.parts.train], rtol=1e-6)
    np.testing.assert_array_equal(targets, rows["target"][found.parts.train])
    by_row = {
        tuple(row): kind for row, kind in zip(rows["data"].astype("float32").tolist(), rows["target"], strict=True)
    }
    assert [by_row[tuple(row)] for row in inputs["row_positive"].tolist()] == targets.ravel().tolist()
    assert all(
        by_row[tuple(row)] != kind for row, kind in zip(inputs["row_negative"].tolist(), targets.ravel(), strict=True)
    )


def test_skip_grams_are_those_of_a_loop(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path, words(tmp_path, SKIP_GRAMS)))
    inputs, labels = found.train.inputs, found.train.targets["near"]
    expected = [
        (word, row[place + by])
        for row in tokens(found.train, found)
        for place, word in enumerate(row)
        for by in (-2, -1, 1, 2)
        if 0 <= place + by < len(row)
    ]
    assert list(zip(inputs["word"][:, 0], inputs["context"][:, 0], strict=True)) == expected
    assert (inputs["context"][:, 1:] > 0).all() and (inputs["context"][:, 1:] != inputs["context"][:, :1]).all()
    np.testing.assert_array_equal(labels, np.tile([1, 0, 0, 0], (len(expected), 1)))
    first, second = (visited(found, 0, epoch)[0]["context"] for epoch in (0, 1))
    assert sorted(first[:, 0].tolist()) == sorted(second[:, 0].tolist())
    assert sorted(first[:, 1:].ravel().tolist()) != sorted(second[:, 1:].ravel().tolist())


def test_cbow_is_that_of_a_loop(tmp_path: Path) -> None:
    found = prepared(trainable(tmp_path, words(tmp_path, CBOW)))
    expected = [
        ([row[place + by] if 0 <= place + by < len(row) else 0 for by in (-2, -1, 1, 2)], word)
        for row in tokens(found.train, found)
        for place, word in enumerate(row)
        if len(row) > 1
    ]
    assert found.train.inputs["context"].tolist() == [context for context, _ in expected]
    assert found.train.targets["word"].ravel().tolist() == [word for _, word in expected]


@pytest.mark.parametrize("how", ["output_sequence_length: 9", "split: character, standardize: lower"])
def test_a_stream_is_that_of_a_loop(tmp_path: Path, how: str) -> None:
    found = prepared(trainable(tmp_path, words(tmp_path, STREAM, how)))
    line = [index for row in tokens(found.train, found) for index in row]
    expected = [line[start : start + 7] for start in range(0, len(line) - 6, 3)]
    assert found.train.inputs["text"].tolist() == expected
    assert found.train.targets["back"].tolist() == expected


@pytest.mark.parametrize("parts", [SKIP_GRAMS, CBOW, STREAM], ids=["skip_grams", "cbow", "stream"])
@pytest.mark.parametrize("how", ["output_sequence_length: 9", "split: character", "standardize: null"])
def test_counts_are_known_without_tensorflow(tmp_path: Path, parts: dict[str, str], how: str) -> None:
    found = prepared(trainable(tmp_path, words(tmp_path, parts, how)))
    assert isinstance(found.binding.made, Made) and found.validation is not None
    counts = made_counts(found.binding.made, found.binding.table, found.parts)
    assert counts == {"train": found.train.count, "validation": found.validation.count}


def test_two_views_of_one_column_differ(tmp_path: Path) -> None:
    view = "{column: data, augment: [{gaussian_noise: 0.5}]}"
    text = PAIRS.replace("row_a", "first").replace("row_b", "second").replace("same: same", "same: target")
    text = text.replace(
        "inputs: {row: {column: data, prepare: [normalization]}}", f"inputs: {{first: {view}, second: {view}}}"
    )
    text = text.replace("  examples: {pairs: {input: row, same: target}}\n", "").replace(
        "{units: 1, activation: sigmoid, name: same}", "{units: 3, activation: softmax, name: same}"
    )
    found = prepared(trainable(tmp_path, text.replace("binary_crossentropy", "sparse_categorical_crossentropy")))
    feed = Feed(found.fed, 16, seed=0, transform=found.changes.transform(0))
    views = [[inputs for inputs, _ in epoch] for epoch in _epochs(feed)]
    first, again, other = views
    noise = [batch["first"] - batch["second"] for batch in first]
    assert all((abs(one) > 1e-3).mean() > 0.9 for one in noise)  # the same rows, each with changes of its own
    assert all((a["second"] == b["second"]).all() for a, b in zip(first, again, strict=True))
    assert (first[0]["second"] != other[0]["second"]).any()


def _epochs(feed: Feed) -> Any:
    for epoch in (0, 0, 1):
        feed.set_position(epoch, 0)
        yield feed.dataset.as_numpy_iterator()
