"""Texts as pieces of words: the same pieces in every process, indices as by hand, and runs that keep them."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.components.registry import find
from dlspec.standalone.subwords import subword_counts, subword_signs, subword_tokenizer, subword_vocabulary
from dlspec.standalone.writing import as_text
from dlspec.training.saved import open_run
from dlspec.views.pages.index import find_run
from tests.killing import epochs_are_there, kill_when
from tests.support import ROOT, asked, dlspec

ALGORITHMS = ("bpe", "wordpiece", "unigram")
SPEC = """
name: pieces
params: {pieces: 300}
inputs: {source: {shape: [24], dtype: int64}, decoder: {shape: [16], dtype: int64}}
layers:
  - embedding: {from: source, input_dim: $pieces, output_dim: 16, mask_zero: true}
  - gru: {units: 32, name: read}
  - embedding: {from: decoder, input_dim: $pieces, output_dim: 16}
  - gru: {from: {sequence: prev, initial_state: read}, units: 32, return_sequences: true}
  - dense: {units: $pieces, activation: softmax, name: next}
outputs: next
data:
  source: {csv: sentences.csv}
  inputs:
    source: {column: sentence, prepare: [{subword_vectorization: {max_tokens: $pieces}}], length: 24}
    decoder: {column: beginning, prepare: {like: source}, marks: [start, end], length: 17}
  targets: {next: {input: decoder, shift: 1}}
  split: {validation: 0.2, test: 0.2}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy, perplexity]
  optimizer: {adam: {learning_rate: 0.01}}
  epochs: 3
generate: greedy
"""


def paragraphs() -> list[str]:
    """Topics of Python's help."""
    with gzip.open(ROOT / "specs" / "sequence" / "topics.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def sentences() -> list[str]:
    """180 sentences of up to ten words."""
    parts = [" ".join(part.split()[:10]) for text in paragraphs()[:30] for part in text.split(". ")[:6]]
    return [part for part in parts if part][:180]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of the spec."""
    folder = tmp_path_factory.mktemp("pieces")
    with (folder / "sentences.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sentence", "beginning"])
        writer.writerows([text, " ".join(text.split()[:3]).upper()] for text in sentences())
    (folder / "pieces.yaml").write_text(SPEC, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["train", "pieces.yaml", "-q"]) == 0
    return folder


def vocabulary_layer(model: Any) -> Any:
    return next(layer for layer in model.layers if hasattr(layer, "get_vocabulary"))


# --- vocabularies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_process_learns_the_same_bytes(algorithm: str) -> None:
    """What the package itself learns differs from process to process for two of the algorithms."""
    code = f"""
import gzip, csv, hashlib, json
from dlspec.standalone.subwords import subword_counts, subword_vocabulary
rows = csv.DictReader(gzip.open("specs/sequence/topics.csv.gz", "rt", encoding="utf-8", newline=""))
counts = subword_counts(row["text"] for row in list(rows)[:20])
print(hashlib.sha256(json.dumps(subword_vocabulary("{algorithm}", counts, 500)).encode()).hexdigest())
"""
    seen = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(4)
    ]
    here = subword_vocabulary(algorithm, subword_counts(paragraphs()[:20]), 500)
    assert len({*seen}) == 1 and len(here[0]) == len(set(here[0])) == 500


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_texts_come_back_from_their_pieces(algorithm: str) -> None:
    """Every sign of texts that were learned from has an index, and pieces know where spaces were."""
    declared: Any = find("layer", "subword_vectorization")
    layer = declared(max_tokens=400, algorithm=algorithm)
    texts = [" ".join(text.split()) for text in paragraphs()[:10]]
    made = layer.make()
    made.adapt(np.array(texts, object))
    names = made.get_vocabulary()
    assert len(names) == 400 == layer.learned_size(texts)
    rows = np.asarray(made(np.array(texts)))
    assert [as_text([names[index] for index in row if index], layer.pieces) for row in rows] == texts
    unknown = np.asarray(made(np.array(["ж"])))[0].tolist()
    assert unknown[-1] == 1 and set(unknown) <= {1, names.index("▁") if "▁" in names else 1}


def joined_by_pairs(word: str, pairs: list[tuple[str, str]]) -> list[str]:
    """A word in pieces, as Sennrich et al. write it."""
    parts = list(word)
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    while len(parts) > 1:
        rank, place = min((ranks.get(pair, math.inf), i) for i, pair in enumerate(itertools.pairwise(parts)))
        if rank == math.inf:
            break
        parts[place : place + 2] = ["".join(parts[place : place + 2])]
    return parts


def longest_first(word: str, pieces: set[str]) -> list[str]:
    """A word in the longest pieces from the left."""
    parts: list[str] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        end = next(end for end in range(len(word), start, -1) if mark + word[start:end] in pieces)
        parts.append(mark + word[start:end])
        start = end
    return parts


def best_score(word: str, scores: dict[str, float]) -> float:
    """The largest sum of scores of pieces that make a word."""
    best = [0.0] + [-math.inf] * len(word)
    for end in range(1, len(word) + 1):
        best[end] = max(best[start] + scores.get(word[start:end], -math.inf) for start in range(end))
    return best[-1]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_words_are_written_as_by_hand(algorithm: str) -> None:
    """In training and use alike, for words that were learned from and others of the same signs."""
    texts = paragraphs()
    pieces, rules = subword_vocabulary(algorithm, subword_counts(texts[:40]), 600)
    tokenizer = subword_tokenizer(algorithm, pieces, rules)
    # Signs that were never seen alone, or never inside of a word, are unknown there.
    known, pieces_known = {sign for text in texts[:40] for sign in text}, set(pieces)
    words = {f"▁{word.removeprefix('▁')}" for word in subword_counts(texts[40:]) if known.issuperset(word[1:])}
    words = {word for word in words if pieces_known.issuperset(subword_signs(algorithm, word))}
    assert len(words) > 1000
    for word in words:
        made = tokenizer.encode(word.removeprefix("▁")).tokens
        if algorithm == "bpe":
            assert made == joined_by_pairs(word, [(left, right) for left, right in rules])
        elif algorithm == "wordpiece":
            assert made == longest_first(word, set(pieces))
        else:
            scores = dict(zip(pieces, rules, strict=True))
            assert "".join(made) == word
            assert sum(scores[piece] for piece in made) == pytest.approx(best_score(word, scores))


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_writes_texts_and_its_indices_are_those_of_the_saved_model(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both columns share the vocabulary, with room for the marks; a copy of the file elsewhere gives the same."""
    monkeypatch.chdir(trained)
    saved = open_run(find_run("pieces", trained / "runs"))
    facts = json.loads((saved.run.path / "report.json").read_text(encoding="utf-8"))
    classes = facts["data"]["targets"]["next"]["classes"]
    names = vocabulary_layer(saved.model).get_vocabulary()
    assert classes[:4] == ["", "[UNK]", "<start>", "<end>"] and classes[4:] == names[2:] and len(classes) == 300
    generated = facts["results"]["outputs"]["next"]["generated"]
    assert {"bleu", "chrf"} <= set(generated)
    expected = {" ".join(text.split()[:3]).upper() for text in sentences()}
    assert all(any(whole.startswith(row["expected"]) for whole in expected) for row in generated["shown"])
    assert asked(capsys, "export", "pieces", "--to", "keras", "-o", str(tmp_path / "copy.keras"))
    text = sentences()[0]
    code = (
        "import sys, keras, dlspec.keras_layers; import numpy as np; "
        f"model = keras.models.load_model({str(tmp_path / 'copy.keras')!r}); "
        "layer = next(layer for layer in model.layers if hasattr(layer, 'get_vocabulary')); "
        f"print(np.asarray(layer(np.array([{text!r}]))).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == np.asarray(vocabulary_layer(saved.model)(np.array([text]))).tolist()
    with Path("new.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["sentence"], [sentences()[1]]])
    (row,) = json.loads(asked(capsys, "predict", "pieces", "new.csv", "--format", "json"))
    assert "▁" not in row["next"] and "<" not in row["next"]


@pytest.mark.slow
def test_a_killed_training_goes_on_with_the_same_pieces(trained: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    train = ("train", str(trained / "pieces.yaml"), "--run", str(killed), "-q")
    kill_when(epochs_are_there(killed, 1), *train)
    done = dlspec(*train)
    assert done.returncode == 0, done.stderr
    whole = find_run("pieces", trained / "runs").path
    both = [json.loads((path / "report.json").read_text(encoding="utf-8")) for path in (killed, whole)]
    assert both[0]["metrics"] == both[1]["metrics"]
    assert both[0]["data"]["targets"] == both[1]["data"]["targets"]


@pytest.mark.slow
def test_a_search_chooses_the_number_of_pieces(trained: Path) -> None:
    text = SPEC.replace("name: pieces", "name: search").replace("epochs: 3", "epochs: 1")
    text = text.replace("{pieces: 300}", "{pieces: {choice: [200, 300]}}")
    (trained / "search.yaml").write_text(text + "tune: {objective: val_loss, algorithm: grid}\n", encoding="utf-8")
    done = dlspec("tune", str(trained / "search.yaml"), "--runs", str(trained / "runs"), "--quiet")
    assert done.returncode == 0, done.stderr
    found = json.loads(next((trained / "runs" / "search").glob("search*/search.json")).read_text(encoding="utf-8"))
    assert [trial["status"] for trial in found["trials"]] == ["completed", "completed"]


@pytest.mark.parametrize(("form", "suffix"), [("onnx", ".onnx"), ("litert", ".tflite"), ("savedmodel", "")])
def test_formats_without_texts_say_so(
    form: str, suffix: str, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trained)
    assert run(["export", "pieces", "--to", form, "-o", f"out{suffix}"]) == 1
    error = capsys.readouterr().err
    assert "E702" in error and "no operations for `subword_vectorization`" in error and "`--to keras` holds" in error


def test_without_the_package_the_way_to_it_is_said(tmp_path: Path) -> None:
    """And specs without such a layer are checked as ever."""
    (tmp_path / "pieces.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "sentences.csv").write_text("sentence,beginning\na b,A\n", encoding="utf-8")
    code = "import sys; sys.modules['tokenizers'] = None; from dlspec.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "check", str(tmp_path / "pieces.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    shown = done.stdout + done.stderr
    assert done.returncode == 1 and "error[E563]: `subword_vectorization` needs the package tokenizers" in shown
    assert "pip install 'dlspec[subwords]'" in shown and shown.count("error[") == 1
    command[-1] = str(ROOT / "specs" / "start" / "topics.yaml")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.mark.exhaustive  # three minutes of processor time
def test_a_language_model_of_pieces_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On topics never seen; by how often each piece stands in the texts alone the perplexity is 266."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(ROOT / "specs" / "sequence" / "piece_lstm.yaml"), "-q"]) == 0
    facts = json.loads((find_run("piece_lstm", tmp_path / "runs").path / "report.json").read_text(encoding="utf-8"))
    assert facts["results"]["outputs"]["next"]["perplexity"] <= 56
