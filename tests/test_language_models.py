"""Language models: pieces of texts whose next signs are told, and texts that a model goes on with."""

from __future__ import annotations

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.training.saved import open_run
from dlspec.views.pages.index import find_run
from tests.support import ROOT, asked, rows_of

FOLDER = ROOT / "specs" / "sequence"
STEPS, CONTEXT = 12, 4
SPEC = """
params: {signs: 90}
inputs: {text: {shape: [12], dtype: int64}}
layers:
  - embedding: {input_dim: $signs, output_dim: 16}
  - gru: {units: 48, return_sequences: true}
  - dense: {units: $signs, activation: softmax, name: next}
outputs: next
data:
  source: {csv: short.csv}
  inputs: {text: {column: text, prepare: [{text_vectorization: {standardize: null, split: character}}], marks: [end]}}
  examples: {stream: {input: text, length: 13, stride: 8, context: 4}}
  targets: {next: {input: text, shift: 1}}
  split: {validation: 0.2, test: 0.2}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy, perplexity]
  optimizer: {adam: {learning_rate: 0.01}}
  epochs: 2
generate: greedy
"""


def paragraphs() -> list[str]:
    """The beginnings of 30 topics of Python's help."""
    with gzip.open(FOLDER / "topics.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return [row["text"][:150] for row in csv.DictReader(file)][:30]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with finished runs of the spec: with marks, and without, which draws."""
    folder = tmp_path_factory.mktemp("language")
    with (folder / "short.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([["text"], *([text] for text in paragraphs())])
    (folder / "marked.yaml").write_text(SPEC, encoding="utf-8")
    without = SPEC.replace(", marks: [end]", "").replace("greedy", "{sample: {temperature: 2, length: 30}}")
    (folder / "drawn.yaml").write_text(without, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["train", "marked.yaml"]) == 0
        assert run(["train", "drawn.yaml", "-q"]) == 0
    return folder


def report(folder: Path, name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((find_run(name, folder / "runs").path / "report.json").read_text("utf-8"))
    return facts


def line(folder: Path, name: str, numbers: Any) -> list[int]:
    """The indices of some rows one after the other, as this test understands them: each with the mark of its end."""
    classes = report(folder, name)["data"]["targets"]["next"]["classes"]
    texts = paragraphs()
    marked = ["<end>"] if "<end>" in classes else []
    signs = [sign for number in numbers for sign in [*texts[number], *marked]]
    return [classes.index(sign) if sign in classes else 1 for sign in signs]


def probabilities(core: Any, rows: Any) -> Any:
    return np.asarray(core(np.asarray(rows)), np.float64)


@pytest.mark.parametrize("name", ["marked", "drawn"])
def test_steps_that_are_only_read_count_in_nothing_outside_of_training(trained: Path, name: str) -> None:
    """Loss, accuracy and perplexity are those of numpy on the pieces; in training all steps count."""
    facts, core = report(trained, name), open_run(find_run(name, trained / "runs")).core
    parts = rows_of(trained / f"{name}.yaml")
    for part, numbers, read in (("train", parts.train, 0), ("test", parts.test, CONTEXT)):
        signs = np.array(line(trained, name, numbers))
        pieces = np.stack([signs[at : at + STEPS + 1] for at in range(0, len(signs) - STEPS, 8)])
        answers, wanted = probabilities(core, pieces[:, :-1])[:, read:], pieces[:, 1 + read :]
        surprise = -np.log(np.take_along_axis(answers, wanted[..., None], axis=-1)).mean()
        measured = facts["metrics"][part]
        assert facts["data"]["examples"][part] == len(pieces)
        assert measured["perplexity"] == pytest.approx(math.exp(surprise), rel=1e-4)
        assert measured["accuracy"] == pytest.approx((answers.argmax(axis=-1) == wanted).mean(), rel=1e-5)
        if part == "test":
            judged = facts["results"]["outputs"]["next"]
            assert judged["positions"] == wanted.size
            assert judged["perplexity"] == pytest.approx(math.exp(surprise), rel=1e-4)
            assert "bits a step" in (find_run(name, trained / "runs").path / "report.html").read_text("utf-8")


def test_evaluate_measures_and_shows_what_the_report_does(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also how the model goes on with the first halves of some pieces."""
    monkeypatch.chdir(trained)
    told = json.loads(asked(capsys, "evaluate", "marked", "--part", "test", "--format", "json"))
    facts = report(trained, "marked")
    assert told["metrics"]["test"] == pytest.approx(facts["metrics"]["test"], rel=1e-5)
    kept = facts["results"]["outputs"]["next"]["generated"]
    again = told["outputs"]["test"]["next"]["generated"]
    assert kept == again and "exact" not in kept
    texts = "".join(paragraphs())
    for shown in kept["shown"]:
        beginning = shown["given"]["text"] + shown["expected"]
        assert "[UNK]" in beginning or all(part in texts for part in (beginning[:5], beginning[-5:]))
        assert shown["generated"]
    page = next(trained.glob("runs/marked/*/report.html")).read_text(encoding="utf-8")
    assert "Written by itself" in page and "bits a step" in page


def by_hand(core: Any, row: list[int], end: int, more: int, allowed: Any) -> list[int]:
    """The likeliest indices behind a row, of which the model sees the last ones."""
    row = list(row)
    for _ in range(more):
        seen = row[-STEPS:]
        shares = probabilities(core, [[*seen, *[0] * (STEPS - len(seen))]])[0, len(seen) - 1]
        shares[~np.isin(np.arange(len(shares)), allowed)] = -1
        row.append(int(shares.argmax()))
        if row[-1] == end:
            break
    return row


def test_a_text_is_gone_on_with_beyond_what_the_model_sees(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`predict` and `generate` write what a loop by hand does, behind short texts, long ones, and none."""
    monkeypatch.chdir(trained)
    classes = report(trained, "marked")["data"]["targets"]["next"]["classes"]
    core = open_run(find_run("marked", trained / "runs")).core
    end, allowed = classes.index("<end>"), range(2, len(classes))
    begun = ["The", "", "An object that is longer than twelve signs", "T"]
    Path("new.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in begun), encoding="utf-8")
    answers = [row["next"] for row in json.loads(asked(capsys, "predict", "marked", "new.csv", "--format", "json"))]
    for text, answer in zip(begun, answers, strict=True):
        row = [classes.index(sign) for sign in text] or [end]
        made = by_hand(core, row, end, STEPS, allowed)
        assert answer == "".join(classes[index] for index in made if index != end)
        asked(capsys, "generate", "marked", "--count", "2", "-o", f"by-{len(text)}", "--where", f"text={text}")
        with Path(f"by-{len(text)}", "next.csv").open(newline="", encoding="utf-8") as file:
            assert [row["next"] for row in csv.DictReader(file)] == [answer] * 2


def test_drawn_texts_follow_from_the_seed_and_begin_as_asked(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thirty signs behind the beginning; each example draws by itself; without a beginning there is an error."""
    monkeypatch.chdir(trained)
    texts = {}
    for folder, seed in (("first", 1), ("again", 1), ("other", 2)):
        asked(capsys, "generate", "drawn", "--count", "3", "--seed", str(seed), "-o", folder, "--where", "text=The ")
        with Path(folder, "next.csv").open(newline="", encoding="utf-8") as file:
            texts[folder] = [row["next"] for row in csv.DictReader(file)]
    assert texts["first"] == texts["again"] != texts["other"]
    assert len(set(texts["first"])) == 3
    assert all(text.startswith("The ") and len(text) == 34 for text in texts["first"])
    assert run(["generate", "drawn", "-o", "none"]) == 1
    told = capsys.readouterr().err
    assert "E544" in told and "--where text='The '" in told
    assert not Path("none").exists()


def test_a_model_that_reads_another_text_writes_for_one_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`generate --where` of an encoder and decoder writes what `predict` does; without it, it says what is lacking."""
    from tests.test_sequences import SPEC as PAIRS
    from tests.test_sequences import pairs

    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    Path("words.yaml").write_text(PAIRS.replace("epochs: 2", "epochs: 1") + "generate: {beam: 2}\n", encoding="utf-8")
    assert run(["train", "words.yaml", "-q"]) == 0
    Path("new.csv").write_text("left\nred blue\n", encoding="utf-8")
    (answer,) = json.loads(asked(capsys, "predict", "words", "new.csv", "--format", "json"))
    asked(capsys, "generate", "words", "--count", "1", "--where", "source=red blue", "-o", "made")
    assert Path("made", "next.csv").read_text(encoding="utf-8").splitlines() == ["next", answer["next"]]
    assert run(["generate", "words", "-o", "none"]) == 1
    assert "E522" in capsys.readouterr().err


@pytest.mark.exhaustive  # six minutes of processor time
@pytest.mark.parametrize(("name", "most"), [("char_gpt", 2.80), ("char_lstm", 2.65)])
def test_character_models_learn(name: str, most: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two epochs better than n-grams of three signs (2.79 bits); signs alone have 4.72."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(FOLDER / f"{name}.yaml"), "--set", "train.epochs=2"]) == 0
    judged = report(tmp_path, name)["results"]["outputs"]["next"]
    assert math.log2(judged["perplexity"]) <= most
