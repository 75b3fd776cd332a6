"""What answers follow from: gradients, Grad-CAM and words left out, against a GradientTape and calls by hand."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from dlspec.cli.main import run
from dlspec.training.answer_scores import AnswerScores
from dlspec.training.saved import open_run
from dlspec.views.pages.index import find_run
from dlspec.views.pages.saliency import texts
from tests.support import as_documented

pytestmark = pytest.mark.slow

DIGITS = """
name: digits
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 4, kernel_size: 3, activation: relu}
  - conv2d: {filters: 6, kernel_size: 3, activation: relu}
  - flatten
  - dense: {units: 10, activation: softmax, name: digit}
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
  targets: {digit: target}
  split: {test: 0.3}
train: {loss: sparse_categorical_crossentropy, optimizer: {adam: 0.01}, epochs: 1}
report: {saliency: {of: digit, count: 3}}
"""
WORDS = """
name: words
inputs: {text: {shape: [6], dtype: int64}}
layers:
  - embedding: {input_dim: 20, output_dim: 2, mask_zero: true}
  - global_average_pooling1d
  - dense: {units: 1, activation: sigmoid}
data:
  source: {csv: words.csv}
  inputs: {text: {column: text, prepare: [{text_vectorization: {max_tokens: 20, output_sequence_length: 6}}]}}
  targets: {kind: kind}
  split: {test: 0.3}
train: {loss: binary_crossentropy, optimizer: {adam: 0.1}, epochs: 8}
report: {saliency: output}
"""
TABLE = """
name: table
layers: [{dense: 1}]
data: {source: {sklearn: diabetes}, inputs: {x: {column: data}}, targets: {y: target}}
train: {loss: mse, epochs: 1}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of each spec."""
    folder = tmp_path_factory.mktemp("saliency")
    chance = np.random.default_rng(0)
    lines = ["text,kind"]
    for _ in range(120):
        good = chance.random() < 0.5
        words = [*chance.choice(["the", "a", "film", "it"], 3), "fine" if good else "<b>bad</b>"]
        lines.append(f"{' '.join(chance.permutation(words))},{'yes' if good else 'no'}")
    (folder / "words.csv").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        for name, text in (("digits", DIGITS), ("words", WORDS), ("table", TABLE)):
            (folder / f"{name}.yaml").write_text(text)
            assert run(["train", f"{name}.yaml", "--run", f"runs/{name}/one", "--quiet"]) == 0
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def saliency_of(folder: Path, name: str) -> Any:
    """What the report of a run holds."""
    text = (folder / "runs" / name / "one" / "report.json").read_text(encoding="utf-8")
    return as_documented("report", text)["figures"]["saliency"]


def test_pixels_and_grad_cam_are_those_of_a_tape(folder: Path) -> None:
    saved = open_run(find_run("digits", folder / "runs"))
    pixels, answers = load_digits().images[:5, ..., None].astype("float32") / 16, np.array([3, 1, 4, 1, 5])
    scores = AnswerScores(saved.core, saved.outputs, saved.outputs[0])
    first, second, _, last = saved.core.layers[1:]
    entering = tf.Variable(pixels)
    with tf.GradientTape(persistent=True) as tape:
        maps = second(first(entering))
        tape.watch(maps)
        logits = tf.reshape(maps, (5, -1)) @ last.kernel + last.bias
        score = tf.gather(logits, answers, axis=1, batch_dims=1)
    by_hand = tf.abs(tape.gradient(score, entering))[..., 0]
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))
    cam = np.maximum(np.einsum("nhwc,nc->nhw", maps, weights), 0)
    found, looked = scores.pixels({"image": pixels}, answers, "image")
    assert looked is not None and (scores.layer, scores.raw) == (second.name, True)
    np.testing.assert_allclose(found, by_hand, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(looked, cam, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scores.of({"image": pixels}, answers), score, rtol=1e-5, atol=1e-6)
    named = AnswerScores(saved.core, saved.outputs, saved.outputs[0], first.name)
    other = named.pixels({"image": pixels}, answers, "image")[1]
    assert named.layer == first.name and other is not None and other.shape == (5, 6, 6)
    assert last.activation is keras.activations.softmax


def test_the_report_shows_right_and_the_worst_wrong_answers(folder: Path) -> None:
    found = saliency_of(folder, "digits")
    assert (found["kind"], found["layer"], found["raw"]) == ("picture", "conv2d_1", True)
    assert [item["right"] for item in found["examples"]] == [False] * 3 + [True] * 3
    model = open_run(find_run("digits", folder / "runs")).model
    images, truth = load_digits().images[..., None], load_digits().target
    shares = np.asarray(model(images))
    rows = [int(item["where"].rpartition(" ")[2]) for item in found["examples"]]
    assert [item["true"] for item in found["examples"]] == [str(truth[row]) for row in rows]
    assert [item["answer"] for item in found["examples"]] == [str(shares[row].argmax()) for row in rows]
    given = [shares[row][truth[row]] for row in rows]
    assert given[:3] == sorted(given[:3])
    assert (folder / "runs/digits/one/pictures/digit-saliency.png").is_file()
    page = (folder / "runs/digits/one/report.html").read_text(encoding="utf-8")
    assert "What digit follows from" in page and "Grad-CAM" in page


def test_words_are_left_out_one_after_another(folder: Path) -> None:
    found = saliency_of(folder, "words")
    model = open_run(find_run("words", folder / "runs")).model
    assert (found["kind"], found["layer"]) == ("text", None)

    def logit(text: str) -> float:
        share = float(np.asarray(model(tf.constant([text])))[0, 0])
        return float(np.log(share / (1 - share)))

    for item in found["examples"]:
        words = [word["word"] for word in item["words"]]
        sign = 1 if item["answer"] == "yes" else -1
        assert item["score"] == pytest.approx(sign * logit(" ".join(words)), rel=1e-3)
        without = [logit(" ".join(words[:place] + words[place + 1 :])) for place in range(len(words))]
        changes = [item["score"] - sign * one for one in without]
        assert [word["change"] for word in item["words"]] == pytest.approx(changes, rel=1e-3, abs=1e-4)
        strongest = max(item["words"], key=lambda word: word["change"])["word"]
        assert strongest == ("fine" if item["answer"] == "yes" else "<b>bad</b>")
    marked = texts(found)[0]
    assert {"for4"} <= {shade for _, shade, _ in marked}
    page = (folder / "runs/words/one/report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;bad&lt;/b&gt;</span>" in page and "<b>bad</b>" not in page


def test_a_run_is_asked_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["saliency", "digits", "--count", "3", "--format", "json"]) == 0
    found = as_documented("output/saliency", capsys.readouterr().out)
    before = saliency_of(folder, "digits")
    assert (found["part"], found["layer"]) == ("test", before["layer"])
    assert [item["where"] for item in found["examples"]] == [item["where"] for item in before["examples"]]
    assert [item["score"] for item in found["examples"]] == pytest.approx(
        [item["score"] for item in before["examples"]], rel=1e-4, abs=1e-5
    )
    one = folder / "runs/digits/one"
    assert "data:image/png" in (one / "saliency.html").read_text(encoding="utf-8")
    assert json.loads((one / "saliency.json").read_text(encoding="utf-8")) == found
    (folder / "new.csv").write_text("text\na fine film\n")
    assert run(["saliency", "words", "--data", "new.csv"]) == 0
    out = capsys.readouterr().out
    assert "new.csv, line 2: fine +" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table"], "no input of the model is a picture or a text"),
        (["digits", "--layer", "digit"], "`digit` gives [10], and Grad-CAM takes a layer that gives"),
        (["digits", "--of", "image"], "the model has no output `image`"),
        (["words", "--input", "image"], "the model takes no input `image` from the data"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["saliency", *arguments]) == 1
    told = capsys.readouterr().err
    assert "E530" in told and said in told
