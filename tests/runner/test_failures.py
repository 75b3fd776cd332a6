"""What TensorFlow raises while training becomes a problem with a code; the run says that it failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import method, train

from dlspec.data.sources.npz import Npz
from dlspec.errors import Problem
from dlspec.runner.failures import told
from dlspec.sections.data import Data, Feature, Target


def looks_up() -> Any:
    """A model of three words."""
    import keras

    x = keras.Input((1,), dtype="int64", name="x")
    found = keras.layers.Flatten()(keras.layers.Embedding(3, 4, name="words")(x))
    return keras.Model(x, keras.layers.Dense(2, activation="softmax", name="y")(found), name="looks_up")


def test_an_index_that_only_training_meets(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([0, 1, 2, 7] * 5), y=np.arange(20) % 2)
    data = Data(source=Npz(path="a.npz"), inputs={"x": Feature(column="x")}, targets={"y": Target(column="y")})
    with pytest.raises(Problem) as caught:
        train(tmp_path, data, method(), build=looks_up)
    assert caught.value.code == "E517"
    message = "training failed in layer `words`: index 7 has no vector: there are 3, from 0"
    assert (str(caught.value), caught.value.help) == (message, "raise `input_dim`, or correct the values")
    (report,) = (tmp_path / "runs").rglob("report.json")
    facts = json.loads(report.read_text(encoding="utf-8"))
    assert (facts["status"], facts["error"]) == ("failed", {"code": "E517", "message": message})


def test_other_errors() -> None:
    import tensorflow as tf

    full = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]\n\t [[node x]]")
    problem = told(full)
    assert isinstance(problem, Problem)
    assert str(problem) == "training failed: the memory is used up (OOM when allocating tensor with shape[9,9])"
    assert problem.help == "lower `train.batch_size`, or make the model smaller"
    long = told(tf.errors.InvalidArgumentError(None, None, "Graph execution error:\n\nshapes differ" + "!" * 300))
    assert str(long).startswith("training failed: shapes differ!!!")
    assert len(str(long)) < 230
    for ours in (ValueError("no"), tf.errors.UnknownError(None, None, "TypeError: no")):
        assert told(ours) is ours
