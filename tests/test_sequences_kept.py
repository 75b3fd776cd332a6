"""Sequences beside everything else that a run can do: kills, searches, studies, marks in numbers, given beginnings."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from dlspec.training.saved import open_run
from dlspec.views.pages.index import find_run
from tests.killing import epochs_are_there, kill_at_random
from tests.support import asked, dlspec
from tests.test_sequences import LEFT, RIGHT, SPEC, pairs

GENERATED = SPEC + "generate: greedy\n"
IDS = """
inputs: {row: {shape: [7], dtype: int64}}
layers:
  - embedding: {input_dim: 13, output_dim: 8, mask_zero: true}
  - gru: {units: 24, return_sequences: true}
  - dense: {units: 13, activation: softmax, name: next}
outputs: next
data:
  source: {csv: ids.csv}
  inputs: {row: {column: ids, length: 8, marks: {start: 11, end: 12}}}
  targets: {next: {input: row, shift: 1}}
  split: {validation: 0.2, test: 0.2}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy, perplexity]
  optimizer: {adam: {learning_rate: 0.02}}
  epochs: 3
generate: greedy
"""
TEXT = """
inputs: {text: {shape: [9], dtype: int64}}
layers:
  - embedding: {input_dim: 12, output_dim: 8, mask_zero: true}
  - gru: {units: 24, return_sequences: true}
  - dense: {units: 12, activation: softmax, name: next}
outputs: next
data:
  source: {csv: pairs.csv}
  inputs: {text: {column: right, prepare: [{text_vectorization: {max_tokens: 12}}], marks: [start, end], length: 10}}
  targets: {next: {input: text, shift: 1}}
  split: {validation: 0.2, test: 0.2}
train: {loss: sparse_categorical_crossentropy, metrics: [accuracy], optimizer: {adam: {learning_rate: 0.02}}, epochs: 2}
generate: {sample: {temperature: 3}}
"""


def facts_of(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((path / "report.json").read_text(encoding="utf-8"))
    return facts


def generated_of(results: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = results["next"]["generated"]
    return written


def counting_rows(folder: Path) -> None:
    """200 rows of two to six whole numbers from 1 to 10 that count up, from 10 on to 1."""
    chance = random.Random(0)
    rows = [[(chance.randrange(6) + k) % 10 + 1 for k in range(chance.randint(2, 6))] for _ in range(200)]
    text = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    (folder / "ids.csv").write_text("ids\n" + text, encoding="utf-8")


def by_hand(core: Any, given: list[int], allowed: range, end: int, steps: int) -> list[int]:
    """The likeliest row behind what is given, mark of the start included; without the end."""
    row = list(given)
    while len(row) <= steps:
        padded = np.array([[*row, *[0] * (steps - len(row))]])[:, :steps]
        shares = np.asarray(core(padded))[0, len(row) - 1].copy()
        shares[[index for index in range(len(shares)) if index not in (*allowed, end)]] = -1
        index = int(shares.argmax())
        if index == end:
            break
        row.append(index)
    return row[1:]


def test_rows_of_numbers_between_marks_of_their_own_are_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is predicted is what a loop by hand writes behind the numbers that are given, or behind none."""
    monkeypatch.chdir(tmp_path)
    counting_rows(tmp_path)
    Path("ids.yaml").write_text(IDS, encoding="utf-8")
    assert run(["train", "ids.yaml", "-q"]) == 0
    begun = ["3 4", "1", "", "1 2 3 4 5 6 7 8 9"]
    Path("new.csv").write_text("ids\n" + "".join(f'"{text}"\n' for text in begun), encoding="utf-8")
    answers = [row["next"] for row in json.loads(asked(capsys, "predict", "ids", "new.csv", "--format", "json"))]
    core = open_run(find_run("ids", tmp_path / "runs")).core
    for text, answer in zip(begun, answers, strict=True):
        row = [11, *map(int, text.split())][:7]
        assert answer == " ".join(map(str, by_hand(core, row, range(1, 11), 12, 7)))
    told = json.loads(asked(capsys, "evaluate", "ids", "--part", "test", "--format", "json"))["outputs"]["test"]["next"]
    kept = facts_of(find_run("ids", tmp_path / "runs").path)["results"]["outputs"]["next"]
    assert told["accuracy"] == kept["accuracy"] and told["perplexity"] == pytest.approx(kept["perplexity"])
    assert told["generated"] == kept["generated"] and told["generated"]["by"] == "greedy"


def test_nothing_is_written_that_is_no_index_of_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model may tell more indices apart than the vocabulary has words; given words stay, and unknown ones too."""
    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    Path("text.yaml").write_text(TEXT, encoding="utf-8")
    assert run(["train", "text.yaml", "-q"]) == 0
    begun = ["rot blau", "gold", "grün", "blau"] * 40
    Path("new.csv").write_text("right\n" + "".join(f"{text}\n" for text in begun), encoding="utf-8")
    answers = [row["next"] for row in json.loads(asked(capsys, "predict", "text", "new.csv", "--format", "json"))]
    words = {word for answer in answers for word in answer.split()}
    assert words == {"rot", "blau", "grün", "gelb", "[UNK]"}
    known = [text if text != "gold" else "[UNK]" for text in begun]
    assert all(answer.startswith(text) for answer, text in zip(answers, known, strict=True))
    assert all("[UNK]" not in answer[1:] for answer in answers)


# --- what else a run can do ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """The same measures and the same written rows, after kills at three random moments."""
    pairs(tmp_path)
    spec = tmp_path / "words.yaml"
    spec.write_text(GENERATED.replace("epochs: 2", "epochs: 60"), encoding="utf-8")
    killed, whole = (tmp_path / name for name in ("killed", "whole"))
    train = ("train", str(spec), "-q", "--run")
    kill_at_random(epochs_are_there(killed, 0), *train, str(killed), kills=3, seed=3)
    for run_folder in (killed, whole):
        done = dlspec(*train, str(run_folder))
        assert done.returncode == 0, done.stderr
    facts = [facts_of(path) for path in (killed, whole)]
    assert facts[0]["metrics"] == facts[1]["metrics"]
    assert generated_of(facts[0]["results"]["outputs"]) == generated_of(facts[1]["results"]["outputs"])


@pytest.mark.slow
def test_a_search_measures_whole_sequences_and_its_best_spec_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trials share the vocabulary; the section `generate` stands in the spec of the best values."""
    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    text = GENERATED.replace("units: 16", "units: $width").replace("epochs: 2", "epochs: 3")
    text = "params: {width: {int: [4, 32], step: 28}}\n" + text
    text += "tune: {algorithm: grid, objective: val_perplexity, trials: 2}\n"
    Path("words.yaml").write_text(text, encoding="utf-8")
    done = dlspec("tune", "words.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    search = json.loads(next(Path("runs/words").glob("search-*/search.json")).read_text(encoding="utf-8"))
    scores = [trial["score"] for trial in search["trials"]]
    assert len(scores) == 2 and scores[0] > scores[1] > 1  # the wider one learns faster
    assert "generate: greedy" in Path("words.best.yaml").read_text(encoding="utf-8")
    asked(capsys, "check", "words.best.yaml")


@pytest.mark.slow
def test_folds_have_a_vocabulary_each_and_the_kept_model_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A study of folds measures each with the words of its own training rows."""
    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    text = GENERATED.replace("split: {validation: 0.2, test: 0.2}", "split: {test: 0.2}")
    text = text.replace("  epochs: 2", "  epochs: 1\n  method: {k_fold: 3}")
    Path("folds.yaml").write_text(text, encoding="utf-8")
    done = dlspec("train", "folds.yaml", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = next(Path("runs/folds").glob("study-*"))
    members = [facts_of(path) for path in sorted(study.glob("members/*")) if (path / "report.json").exists()]
    assert len(members) == 3
    for member in members:
        assert set(member["data"]["targets"]["next"]["classes"]) >= {"<start>", "<end>", "rot"}
        assert generated_of(member["results"]["outputs"])["examples"] == member["data"]["examples"]["test"]
    Path("few.csv").write_text("left\nred blue\n", encoding="utf-8")
    answers = json.loads(asked(capsys, "predict", "folds", "few.csv", "--format", "json"))
    assert set(answers[0]["next"].split()) <= {"rot", "blau", "grün", "gelb", "red", "blue", "green"}


@pytest.mark.slow
def test_columns_that_matter_and_what_sequences_have_no_answer_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`importance` shuffles what enters, and not what is to be told; `saliency` refuses answers of several steps."""
    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    Path("words.yaml").write_text(GENERATED.replace("epochs: 2", "epochs: 40"), encoding="utf-8")
    assert run(["train", "words.yaml", "-q"]) == 0
    told = json.loads(asked(capsys, "importance", "words", "--format", "json"))
    rises = {column["column"]: column["loss"]["mean"] for column in told["columns"]}
    assert set(rises) == {"left", "right"} and min(rises.values()) > 0.01
    assert run(["saliency", "words"]) == 1
    assert "E530" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("  epochs: 2", "  calibration: temperature", "E503"),
        ("  epochs: 2", "  threshold: f1", "E503"),
        ("generate: greedy", "generate: greedy\nreport: {saliency: next}", "E530"),
        ("  epochs: 2", "  method: {learning_curve: {fractions: [0.5, 1], repeats: 1}}", ""),
    ],
)
def test_what_asks_for_one_answer_an_example_is_refused_before_tensorflow_starts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    code: str,
) -> None:
    """In words, where the spec asks for it."""
    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    assert before in GENERATED
    Path("words.yaml").write_text(GENERATED.replace(before, after), encoding="utf-8")
    assert run(["check", "words.yaml"]) == (1 if code else 0)
    assert code in capsys.readouterr().out


def test_a_model_that_keeps_no_steps_writes_from_whole_rows_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said before training stands in the report as well; `predict` writes."""
    monkeypatch.chdir(tmp_path)
    pairs(tmp_path)
    gru = "  - gru: {from: {sequence: prev, initial_state: read}, units: 16, return_sequences: true}\n"
    text = SPEC.replace(gru, gru + "  - reshape: [6, 16]\n").replace("epochs: 2", "epochs: 1")
    Path("whole.yaml").write_text(text + "generate: greedy\n", encoding="utf-8")
    assert run(["train", "whole.yaml", "-q"]) == 0
    reason = "`reshape` (reshape) does not give each step from the steps so far alone"
    assert f"whole row is computed again, since {reason}" in capsys.readouterr().err
    path = find_run("whole", tmp_path / "runs").path / "report.json"
    generated = json.loads(path.read_text(encoding="utf-8"))["results"]["outputs"]["next"]["generated"]
    assert generated["recomputed"] == reason
    Path("new.csv").write_text("left\nred\n", encoding="utf-8")
    assert run(["predict", "whole", "new.csv", "--format", "json"]) == 0
    assert set(json.loads(capsys.readouterr().out)[0]["next"].split()) <= {*LEFT, *RIGHT}
