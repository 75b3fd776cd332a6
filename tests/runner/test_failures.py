"""What TensorFlow raises while training becomes a problem with a code; the run says that it failed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import method, train

from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.sections.splitters import Column
from dlspec.components.training.losses import MeanSquaredError
from dlspec.core.errors import Problem
from dlspec.data.sources.npz import Npz
from dlspec.training.loop.non_finite import cause, require_finite
from dlspec.training.run.failures import as_problem
from tests.support import as_documented


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
    facts = as_documented("report", report.read_text(encoding="utf-8"))
    assert (facts["status"], facts["error"]) == ("failed", {"code": "E517", "message": message})


def test_a_loss_that_is_not_finite_on_the_test_part(tmp_path: Path) -> None:
    # The logarithm of the two negative numbers, which only the test part holds.
    size = np.concatenate([np.linspace(1, 2, 30), [-1.0, -2.0]]).reshape(-1, 1)
    part = np.array(["train"] * 30 + ["test"] * 2)
    np.savez(tmp_path / "a.npz", size=size, price=size[:, 0] ** 2, part=part)
    source = Npz(path="a.npz")
    split = Split(by=Column(column="part"))
    data = Data(source=source, inputs={"x": Feature(column="size")}, targets={"y": Target(column="price")}, split=split)
    with pytest.raises(Problem, match="the loss of the test part is nan, with the weights that were kept") as caught:
        train(tmp_path, data, method(loss=MeanSquaredError(), metrics=()), build=logarithm)
    assert caught.value.code == "E508" and caught.value.help.startswith("look for missing or infinite values")
    (report,) = (tmp_path / "runs").rglob("report.json")
    facts = as_documented("report", report.read_text(encoding="utf-8"))
    assert (facts["status"], facts["error"]["code"], facts["metrics"]["test"]["loss"]) == ("failed", "E508", None)
    assert facts["metrics"]["train"]["loss"] < 10


def test_examples_that_were_trained_on_are_not_blamed() -> None:
    with pytest.raises(Problem, match="the loss of the train part is nan") as caught:
        require_finite({"train": {"loss": math.nan}, "test": {"loss": 1.0}})
    assert caught.value.help.startswith("lower the learning rate")


def logarithm() -> Any:
    """A linear model of the logarithm."""
    import keras

    x = keras.Input((1,), name="x")
    return keras.Model(x, keras.layers.Dense(1, name="y")(keras.ops.log(x)), name="logarithm")


def test_other_errors() -> None:
    import tensorflow as tf

    full = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]\n\t [[node x]]")
    problem = as_problem(full)
    assert isinstance(problem, Problem)
    assert str(problem) == "training failed: the memory is used up (OOM when allocating tensor with shape[9,9])"
    assert problem.help == "lower `data.batch_size`, or make the model smaller"
    long = as_problem(tf.errors.InvalidArgumentError(None, None, "Graph execution error:\n\nshapes differ" + "!" * 300))
    assert str(long).startswith("training failed: shapes differ!!!")
    assert len(str(long)) < 230
    for ours in (ValueError("no"), tf.errors.UnknownError(None, None, "TypeError: no")):
        assert as_problem(ours) is ours


def test_a_text_that_is_nothing_but_padding() -> None:
    """The mean over no steps is 0 / 0, in training and in use alike."""
    import keras

    x = keras.Input((3,), dtype="int32", name="x")
    found = keras.layers.GlobalAveragePooling1D(name="mean")(keras.layers.Embedding(5, 2, mask_zero=True)(x))
    model = keras.Model(x, keras.layers.Dense(1)(found))
    batch = np.array([[1, 2, 0], [0, 0, 0]], "int32"), np.zeros((2, 1), "float32")
    text = "an example of its batch is nothing but padding, and of nothing layer `mean` makes no number"
    help = "leave empty texts and sequences out, or take a layer that needs none: `global_max_pooling1d`"
    assert cause(model, batch) == (text, help)
