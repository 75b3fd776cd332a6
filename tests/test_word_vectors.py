"""Embeddings that begin with vectors from a text file: GloVe's, word2vec's and fastText's forms."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.core.errors import Problem
from dlspec.data.sources.word_vectors import Form, form_of, vectors_of
from dlspec.passes import compile_spec
from tests.killing import epochs_are_there, kill_when
from tests.support import ROOT, dlspec_here

WORDS = ("the", "of", "function", "module", "unheard")
LAYER = "embedding: {input_dim: 1500, output_dim: 4, name: words, vectors: {file: words.txt}}"


def vector(number: int) -> list[float]:
    return [number + 0.25 * place for place in range(4)]


def text(headed: bool = False) -> str:
    lines = [f"{word} {' '.join(map(str, vector(number)))}" for number, word in enumerate(WORDS)]
    return "\n".join([*([f"{len(WORDS)} 4"] if headed else []), *lines]) + "\n"


@pytest.fixture
def topics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "specs" / "start" / "topics.csv", tmp_path)
    spec = (ROOT / "specs" / "start" / "topics.yaml").read_text()
    spec = spec.replace("embedding: {input_dim: 1500, output_dim: 32}", LAYER).replace("epochs: 20", "epochs: 2")
    Path("topics.yaml").write_text(spec)
    Path("words.txt").write_text(text())
    return tmp_path


def test_forms(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text(text())
    assert form_of(path, "words.txt") == Form(4, False)
    path.write_text(text(headed=True))
    assert form_of(path, "words.txt") == Form(4, True)
    path.write_text(text(headed=True).replace("the ", ". . . ", 1) + "the 9 9 9 9\nthe 8 8 8 8 \n")
    read = {number: values.tolist() for number, values in vectors_of(path, "", {"the": 0, "of": 1, "none": 2})}
    assert read == {0: [9.0] * 4, 1: vector(1)}  # words with blanks are words, and the first line of a word counts
    for broken in ("", "the\n", "the x y z\n", "2 4\nthe 1 2 3\n", "\0\0\0\0"):
        path.write_text(broken)
        with pytest.raises(Problem, match="holds no word vectors"):
            form_of(path, "words.txt")
    path.write_text("the 1 2\nof 1 x\n")
    with pytest.raises(Problem, match=r"line 2 of `words\.txt` has no 2 numbers after its word"):
        dict(vectors_of(path, "words.txt", {"of": 0}))


def test_what_check_says(topics: Path) -> None:
    def problem(old: str, new: str) -> Any:
        Path("wrong.yaml").write_text(Path("topics.yaml").read_text().replace(old, new))
        (item,) = compile_spec(Path("wrong.yaml")).diagnostics.items
        return item

    assert compile_spec(Path("topics.yaml")).diagnostics.items == []
    wide = problem("output_dim: 4", "output_dim: 5")
    assert (wide.code, wide.help, wide.span.line) == ("E562", "write `output_dim: 4`", 6)
    assert wide.message == "`words.txt` has 4 numbers for each word, and `words` has vectors of 5"
    assert problem("words.txt", "word.txt").code == "E601"
    text = "inputs: {x: {shape: [], dtype: int32}}\nlayers:\n  - identity\n  - "
    Path("numbers.yaml").write_text(text + LAYER.replace("1500", "9") + "\n")
    (item,) = compile_spec(Path("numbers.yaml")).diagnostics.items
    assert item.message == "`vectors` are for words: nothing knows which word an index of `identity` stands for"


def test_exports_without_data_refuse(topics: Path) -> None:
    for arguments in (["--project", "project"], ["--to", "python", "-o", "network.py"]):
        done = dlspec_here("export", "topics.yaml", *arguments)
        assert done.returncode != 0 and "`vectors`" in done.stdout + done.stderr
    assert not Path("project").exists() and not Path("network.py").exists()


def _embedding(model: Any) -> Any:
    inner = [each for layer in model.layers for each in (getattr(layer, "layers", None) or [layer])]
    return next(layer for layer in inner if layer.name == "words")


@pytest.mark.slow
def test_words_begin_with_their_vectors(topics: Path) -> None:
    """Kept from learning they stay; the others are those that a spec without the file draws."""
    import keras

    frozen = Path("topics.yaml").read_text().replace("name: words,", "name: words, trainable: false,")
    Path("frozen.yaml").write_text(frozen)
    Path("words.txt").write_text(text(headed=True))
    Path("plain.yaml").write_text(frozen.replace(", vectors: {file: words.txt}", ""))
    done = dlspec_here("train", "frozen.yaml", "--run", "one", "--set", "train.epochs=1")
    assert done.returncode == 0
    facts = json.loads(Path("one/report.json").read_text())["method_facts"]
    assert run(["train", "plain.yaml", "--quiet", "--run", "plain", "--set", "train.epochs=1"]) == 0
    models = [keras.models.load_model(f"{name}/model.keras") for name in ("one", "plain")]
    rows, drawn = (np.asarray(_embedding(model).weights[0]) for model in models)
    words = next(layer for layer in models[0].layers if hasattr(layer, "get_vocabulary")).get_vocabulary()
    known = {words.index(word): number for number, word in enumerate(WORDS) if word in words}
    assert facts["vectors_words"]["value"] == f"{len(known)} of {len(words):,} words" and len(known) == 4
    assert f"vectors of words.txt in `words`: {len(known)} of" in done.stderr
    for index, row in enumerate(rows):
        np.testing.assert_array_equal(row, vector(known[index]) if index in known else drawn[index])
    Path("words.txt").unlink()
    assert run(["evaluate", "one"]) == 0
    assert run(["export", "one", "--to", "keras", "-o", "one.keras"]) == 0


@pytest.mark.slow
def test_going_on_after_a_kill_and_a_search(topics: Path) -> None:
    command = [sys.executable, "-m", "dlspec", "train", "topics.yaml", "--quiet"]
    command += ["--set", "train.checkpoint=0", "--set", "train.epochs=6"]
    subprocess.run([*command, "--run", "whole"], check=True, capture_output=True)
    metrics = Path("cut/metrics.csv")
    kill_when(epochs_are_there(metrics.parent, 2), *command[3:], "--run", "cut")
    subprocess.run([*command, "--run", "cut"], check=True, capture_output=True)
    assert metrics.read_text() == Path("whole/metrics.csv").read_text()
    facts = [json.loads(Path(run, "report.json").read_text())["method_facts"] for run in ("whole", "cut")]
    assert facts[0]["vectors_words"] == facts[1]["vectors_words"]
    tuned = Path("topics.yaml").read_text().replace("learning_rate: 0.005", "learning_rate: $rate")
    tuned += "params: {rate: {float: [1e-3, 1e-2]}}\ntune: {algorithm: random, trials: 2}\n"
    Path("tuned.yaml").write_text(tuned.replace("epochs: 2", "epochs: 1"))
    done = subprocess.run(
        [sys.executable, "-m", "dlspec", "tune", "tuned.yaml"], check=True, capture_output=True, text=True
    )
    assert "2 completed, 0 failed" in done.stdout
