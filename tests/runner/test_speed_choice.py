"""``speed: auto``: what it tries, what it takes, and that timing leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from running import method, rows, small, train
from test_train_keys import body_and_head, weights_of

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.training import Checkpoint, Phase
from dlspec.components.training import callbacks
from dlspec.components.training.accuracy_metrics import Accuracy
from dlspec.components.training.losses import SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.core.errors import Problem
from dlspec.data.feeding.feed import Feed
from dlspec.training.loop.backend import BACKEND
from dlspec.training.loop.speed import SHORT, SPEED_FILE, Choice, no_loop, read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def any_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """However short a run is, XLA is tried, and taken however slow it is."""
    monkeypatch.setattr("dlspec.training.loop.speed._PATIENCE", 0)
    monkeypatch.setattr("dlspec.training.loop.speed._WORTH", 0.0)


def test_a_short_run_does_not_try_xla(tmp_path: Path) -> None:
    auto = train(tmp_path, how=method(speed="auto", keep="last"))
    chosen = auto.facts["speed"]
    assert (chosen["jit"], chosen["looped"], chosen["xla"], chosen["loop"]) == (False, False, None, None)
    assert chosen["plain"] > 0 and chosen["reason"] == "the run is too short to earn back what XLA takes to compile"
    written = train(tmp_path, how=method(keep="last"))
    assert rows(auto) == rows(written)
    assert all((a == b).all() for a, b in zip(weights_of(auto), weights_of(written), strict=True))


@pytest.mark.usefixtures("any_xla")
def test_speed_leaves_nothing_behind(tmp_path: Path) -> None:
    adam = Adam(learning_rate=0.02, gradient_accumulation_steps=2)
    auto = train(tmp_path, how=method(speed="auto", keep="last", optimizer=adam))
    assert auto.facts["speed"]["jit"] is True and auto.facts["speed"]["xla"] > 0
    assert auto.facts["speed"]["reason"] == "gradients are accumulated over steps"
    written = train(tmp_path, how=method(jit=True, keep="last", optimizer=adam))
    assert rows(auto) == rows(written)
    assert all((a == b).all() for a, b in zip(weights_of(auto), weights_of(written), strict=True))


@pytest.mark.usefixtures("any_xla")
def test_speed_takes_the_loop(tmp_path: Path) -> None:
    phases = {"first": Phase(epochs=2), "second": Phase(epochs=1, optimizer=SGD(learning_rate=0.1))}
    how = Supervised(loss=SparseCategoricalCrossentropy(), metrics=(Accuracy(),), phases=phases, keep="last")
    auto = train(tmp_path, how=how.changed(speed="auto"), build=body_and_head)
    assert auto.facts["speed"]["looped"] is True and auto.facts["speed"]["loop"] > 0
    assert auto.facts["speed"]["xla"] is None and auto.facts["speed"]["reason"] == ""
    written = train(tmp_path, how=how, build=body_and_head)
    for mine, other in zip(rows(auto), rows(written), strict=True):
        assert {name: float(value) for name, value in mine.items()} == pytest.approx(
            {name: float(value) for name, value in other.items()}, rel=1e-4
        )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"optimizer": Adam(gradient_accumulation_steps=2)}, "gradients are accumulated over steps"),
        ({"callbacks": (callbacks.ModelCheckpoint(filepath="w.weights.h5", save_freq=3, save_weights_only=True),)},
         "a callback follows each step"),
        ({"checkpoint": Checkpoint(every=0)}, "each step is saved"),
        ({}, ""),
    ],
)  # fmt: skip
def test_where_steps_make_no_loop(options: dict[str, Any], reason: str) -> None:
    how = method(**options)
    x, y = np.zeros((40, 4), np.float32), np.zeros(40)
    given: Any = SimpleNamespace(backend=BACKEND, whole=small())
    assert no_loop(given, how, how.chosen_optimizer, Feed((x, y), 8, seed=0)) == reason


def test_which_examples_and_models_make_no_loop() -> None:
    import keras

    x, y = np.zeros((40, 4), np.float32), np.zeros(40)
    words = np.array(["a"] * 40, object)
    image = keras.Input((8, 8, 1))
    convolving = keras.Model(image, keras.layers.Conv2D(1, 3)(image))
    changed = Feed((x, y), 8, seed=0, transform=lambda batch, epoch, numbers: batch)
    outside = "batches are not cut out of examples in the memory of the processor"
    assert BACKEND.no_loop(small(), changed) == outside
    assert BACKEND.no_loop(small(), Feed((x, y), 41, seed=0)) == "an epoch is shorter than a batch"
    assert BACKEND.no_loop(small(), Feed((words, y), 8, seed=0)) == "examples hold text"
    assert BACKEND.no_loop(convolving, Feed((x, y), 8, seed=0)) == "convolutions are slower in it"
    assert BACKEND.no_loop(small(), Feed((x, y), 8, seed=0)) == ""


def test_speed_repeats_its_choice(tmp_path: Path) -> None:
    first = Choice(jit=True, plain=2.0, xla=1.0)
    (tmp_path / SPEED_FILE).write_text(first.text())
    assert read(tmp_path, begun=True) == first
    assert str(first) == "speed: with XLA (without it 2 examples/s, with it 1 examples/s)"
    (tmp_path / SPEED_FILE).write_text('{"jit": true, "plain": 2.0, "xla": 1.0}')
    assert read(tmp_path, begun=True) == first, "as written before there were loops"
    (tmp_path / SPEED_FILE).write_text("{")
    assert read(tmp_path, begun=False) is None, "it was not begun: it chooses anew"
    with pytest.raises(Problem, match=r"speed\.json`, which says how the run computes, cannot be read") as caught:
        read(tmp_path, begun=True)
    assert caught.value.code == "E512"


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        (Choice(jit=False, plain=2.0), "without XLA (without it 2 examples/s, with it not possible)"),
        (Choice(jit=False, plain=2.0, reason=SHORT), "without XLA (without it 2 examples/s, not tried)"),
        (Choice(jit=True, plain=2.0, looped=True, loop=9.0),
         "with XLA (without it 2 examples/s, with many steps in one function 9 examples/s)"),
    ],
)  # fmt: skip
def test_speed_is_told(choice: Choice, shown: str) -> None:
    assert str(choice) == f"speed: {shown}"
