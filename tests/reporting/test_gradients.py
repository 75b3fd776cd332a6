"""Norms of gradients by layer after each epoch: those of a tape by hand, and nothing about the training changes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import sample_runs
import tensorflow as tf
from sklearn.datasets import load_diabetes

from dlspec.training.gradients import GRADIENTS_FILE
from dlspec.training.saved import open_run
from dlspec.views.pages.figured import sections
from dlspec.views.pages.index import Run
from tests.support import as_documented

pytestmark = pytest.mark.slow

SUPERVISED = """
name: diabetes
layers:
  - dense: {units: 6, activation: tanh, kernel_regularizer: {l2: 0.1}, name: first}
  - dropout: 0.5
  - dense: {units: 1, name: last}
data: {source: {sklearn: diabetes}, inputs: {x: {column: data}}, targets: {y: target}, shuffle: false, batch_size: 50}
train: {loss: mse, optimizer: {adam: 0.05}, epochs: 2, keep: last}
"""
LEARNERS = """
name: learners
inputs: {x: [10]}
layers:
  - dense: {units: 4, activation: tanh, name: code}
  - dense: {units: 10, name: again}
  - losses.mse: {from: [x, again], name: far}
  - ops.mean: {from: [code], axis: -1, name: middle}
  - ops.square: {from: middle, name: off}
outputs: [code, far]
data: {source: {sklearn: diabetes}, inputs: {x: {column: data}}, batch_size: 50}
train:
  learners:
    first: {minimize: far, trains: [code, again], optimizer: {sgd: 0.1}}
    second: {minimize: {off: 2}, trains: [code], optimizer: {sgd: 0.1}}
  epochs: 1
"""
ASKED = "report: {gradients: {count: 80}}\n"


def rows_of(folder: Path) -> list[dict[str, float]]:
    """What stands in the file of a run."""
    with (folder / GRADIENTS_FILE).open(encoding="utf-8") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def norm(gradients: list[Any]) -> float:
    return float(np.sqrt(sum((np.asarray(one, np.float64) ** 2).sum() for one in gradients)))


def test_norms_are_those_of_a_tape(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    report = sample_runs.train(tmp_path, SUPERVISED + ASKED)
    plain = sample_runs.train(tmp_path / "plain", SUPERVISED)
    core = open_run(Run(report.folder), allow_outside=True).core
    x, y = (values[:80].astype("float32") for values in load_diabetes(return_X_y=True))
    first, last = core.get_layer("first"), core.get_layer("last")
    with tf.GradientTape() as tape:
        given = last(first(x))[:, 0]
        loss = tf.reduce_mean((given - y) ** 2) + 0.1 * tf.reduce_sum(first.kernel**2)
    by_hand = tape.gradient(loss, [first.kernel, first.bias, last.kernel, last.bias])
    rows = rows_of(report.folder)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["first"] == pytest.approx(norm(by_hand[:2]), rel=1e-4)
    assert rows[1]["last"] == pytest.approx(norm(by_hand[2:]), rel=1e-4)
    # The training is the same, bit for bit, and keeps nothing where nothing is asked for.
    other = open_run(Run(plain.folder), allow_outside=True).core
    for mine, its in zip(core.get_weights(), other.get_weights(), strict=True):
        assert mine.tobytes() == its.tobytes()
    assert not (plain.folder / GRADIENTS_FILE).exists()
    text = (report.folder / "report.json").read_text(encoding="utf-8")
    figures = as_documented("report", text)["figures"]["gradients"]
    assert (figures["examples"], figures["epochs"]) == (80, [1, 2])
    assert figures["layers"]["last"] == pytest.approx([row["last"] for row in rows])
    assert "Gradients of layers" in (report.folder / "report.html").read_text(encoding="utf-8")


def test_each_learner_adds_what_it_trains(tmp_path: Path) -> None:
    report = sample_runs.train(tmp_path, LEARNERS + ASKED)
    core = open_run(Run(report.folder), allow_outside=True).core
    x = load_diabetes().data[:80].astype("float32")
    code = keras.layers.Dense(4, activation="tanh")
    again = keras.layers.Dense(10)
    again(code(x))
    code.set_weights(core.get_layer("code").get_weights())
    again.set_weights(core.get_layer("again").get_weights())
    with tf.GradientTape(persistent=True) as tape:
        far = tf.reduce_mean((x - again(code(x))) ** 2)
        off = 2 * tf.reduce_mean(tf.reduce_mean(code(x), axis=-1) ** 2)
    both = [
        first + second
        for first, second in zip(*(tape.gradient(loss, code.weights) for loss in (far, off)), strict=True)
    ]
    (row,) = rows_of(report.folder)
    assert row["code"] == pytest.approx(norm(both), rel=1e-4)
    assert row["again"] == pytest.approx(norm(tape.gradient(far, again.weights)), rel=1e-4)


def test_words_about_what_vanishes() -> None:
    for last, expected in ((1.0, "vanishes"), (1e-7, "explodes"), (1e-3, "")):
        layers = {"a": [1e-4 if last == 1 else 1e-2, 1e-4], "b": [1.0, last]}
        (section,) = sections({"gradients": {"examples": 9, "epochs": [1, 2], "layers": layers}})
        assert (expected in section["said"]) and bool(section["said"]) == bool(expected)
    assert json.dumps(section["table"]["rows"]) == '[["a", "0.0001"], ["b", "0.001"]]'
