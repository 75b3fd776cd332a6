"""Steps whose loss is not finite: what was before is kept, the cause is named, and `rollback` goes back."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from running import iris, linear, method, rows, train

from dlspec.components.methods.supervised import Supervised
from dlspec.components.training.losses import MeanSquaredError
from dlspec.components.training.optimizers import SGD
from dlspec.core.errors import Problem
from dlspec.data.feeding.feed import Feed
from dlspec.training.loop.non_finite import cause
from dlspec.training.loop.steps import Steps

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def exploding(rate: float, **options: Any) -> Supervised:
    return method(optimizer=SGD(learning_rate=rate), loss=MeanSquaredError(), metrics=(), epochs=2, **options)


def test_the_layer_behind_a_loss_is_named(tmp_path: Path) -> None:
    place = r"the loss became (nan|inf) in step \d+ of epoch \d+: "
    with pytest.raises(Problem, match=place + "all layers are finite, only the loss is not"):
        train(tmp_path, iris(batch_size=4), exploding(1e18), linear)
    with pytest.raises(Problem, match=place + "the weights of layer `species` are no longer finite"):
        train(tmp_path, iris(batch_size=4), exploding(1e38), linear)


@pytest.mark.parametrize(
    ("weight", "x", "y", "expected"),
    [
        (3e38, 2.0, 0.0, "the output of layer `species` was the first that is not finite"),
        (np.nan, 2.0, 0.0, "the weights of layer `species` are no longer finite since the step before"),
        (1.0, np.inf, 0.0, "an input of its batch is not finite"),
        (1.0, 1.0, np.nan, "a target of its batch is not finite"),
    ],
)
def test_causes(weight: float, x: float, y: float, expected: str) -> None:
    model = linear()
    model.set_weights([np.full((4, 1), weight), np.zeros(1)])
    assert cause(model, (np.full((2, 4), x, "float32"), np.full((2, 1), y, "float32")))[0] == expected


def convolved() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Conv1D(2, 3)(keras.layers.Reshape((4, 1))(x))
    return keras.Model(x, keras.layers.Dense(1, name="species")(keras.layers.Flatten()(hidden)))


@pytest.mark.parametrize(("build", "jit"), [(linear, False), (linear, True), (convolved, True)])
def test_what_was_before_the_step_is_kept(build: Callable[[], Any], jit: bool) -> None:
    import keras

    def state() -> list[bytes]:
        return [variable.numpy().tobytes() for variable in (*model.weights, *model.optimizer.variables)]

    model = build()
    model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=jit)
    x = np.ones((12, 4), "float32")
    x[6] = np.inf
    feed = Feed((x, np.zeros((12, 1), "float32")), 4, seed=0, shuffle=False)
    steps, batches = Steps(model, feed.dataset.element_spec), iter(feed.dataset)
    begun = state()
    assert steps.train(batches, 1) == (1, True)
    before = state()
    assert before != begun
    assert steps.train(batches, 2) == (1, False), "it ends at the step"
    assert state() == before


def test_rollback_halves_the_rate_until_the_loss_stays_finite(tmp_path: Path) -> None:
    stream = io.StringIO()
    how = exploding(0.3, non_finite="rollback")
    data = iris(batch_size=1, shuffle=False)
    with pytest.raises(Problem, match="the loss became"):
        train(tmp_path, data, exploding(0.3), linear)
    report = train(tmp_path, data, how, linear, console=Console(file=stream, width=200))
    notes = [line for line in stream.getvalue().splitlines() if "half the learning rate" in line]
    assert report.status == "finished" and 1 <= len(notes) <= 5
    assert notes[0].startswith("the loss became ") and "back to the beginning of epoch 1 with" in notes[0]
    assert rows(train(tmp_path, data, how, linear)) == rows(report), "the way back repeats"


def test_rollback_gives_up(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="the loss became"):
        train(tmp_path, iris(batch_size=4), exploding(1e30, non_finite="rollback"), linear)
