"""What runs with `train: {distribute: mirrored}` must hold, tried on parts of the CPU.

TensorFlow divides the CPU only before it starts: ``test_distribution.py`` runs this file in another process.
"""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from divided import TWO, divide_cpu, regularized, same
from rich.console import Console
from running import iris, linear, load, method, rows, train
from test_resume import Press, go, noisy, stateful

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.training import Phase
from dlspec.components.training.distributions import Mirrored
from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.core.errors import Problem
from dlspec.training.loop.signals import Interrupted
from tests.crash.results import different, results
from tests.emit.projects import curve, differences, emitted, train_spec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module", autouse=True)
def three_devices() -> None:
    divide_cpu(3)


# --- whole runs -----------------------------------------------------------------------------------------------------


# 90 examples: in equal shares; in shares of 23 and 22; with a last batch of one example, for two and three devices.
@pytest.mark.parametrize(
    ("batch_size", "devices"),
    [(89, 2), (88, 3), *(pytest.param(*one, marks=pytest.mark.exhaustive) for one in ((30, 2), (45, 2), (7, 3)))],
)
def test_a_run_is_that_of_one_device(tmp_path: Path, batch_size: int, devices: int) -> None:
    data, stream = iris(batch_size=batch_size), io.StringIO()
    console = Console(file=stream, width=200)
    shared = train(tmp_path, data, method(distribute=Mirrored(devices=devices)), regularized, console=console)
    alone = train(tmp_path, data, method(), regularized)
    same(load(shared.folder / "model.keras").get_weights(), load(alone.folder / "model.keras").get_weights())
    for mine, theirs in zip(rows(shared), rows(alone), strict=True):
        assert {name: float(value) for name, value in mine.items()} == pytest.approx(
            {name: float(value) for name, value in theirs.items()}, rel=1e-5
        )
    for part, measures in alone.metrics.items():
        assert shared.metrics[part] == pytest.approx(measures, rel=1e-5)
    names = [f"CPU:{number}" for number in range(devices)]
    assert f"distribute: {devices} devices ({', '.join(names)})\n" in stream.getvalue()
    assert json.loads((shared.folder / "report.json").read_text())["devices"] == names


def test_phases_and_averages_are_those_of_one_device(tmp_path: Path) -> None:
    second = Phase(epochs=2, freeze=("dense",), optimizer=SGD(learning_rate=0.1, momentum=0.9))
    given = {"loss": SparseCategoricalCrossentropy(), "optimizer": Adam(learning_rate=0.02, use_ema=True)}
    how = {**given, "phases": {"first": Phase(epochs=2), "second": second}}

    def named() -> Any:
        import keras

        x = keras.Input((4,), name="measures")
        hidden = keras.layers.Dense(8, activation="relu", name="dense")(x)
        return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")

    shared = train(tmp_path, iris(batch_size=25), Supervised(**how, distribute=TWO), named)
    alone = train(tmp_path, iris(batch_size=25), Supervised(**how), named)
    same(load(shared.folder / "model.keras").get_weights(), load(alone.folder / "model.keras").get_weights())


def test_one_device_says_so(tmp_path: Path) -> None:
    stream = io.StringIO()
    how = method(distribute=Mirrored())
    report = train(tmp_path, how=how, console=Console(file=stream, width=200))
    assert "distribute: one device only, nothing is divided\n" in stream.getvalue()
    alone = train(tmp_path, how=method())
    assert rows(report) == rows(alone) and "devices" not in report.facts


def test_devices_that_are_not_there(tmp_path: Path) -> None:
    import tensorflow as tf

    tf.config.list_logical_devices()
    with pytest.raises(Problem, match="wants 5 devices, and TensorFlow runs with 3 in this process already") as caught:
        train(tmp_path, how=method(distribute=Mirrored(devices=5)))
    assert caught.value.code == "E518"


# --- projects -------------------------------------------------------------------------------------------------------

PROJECT = """
name: iris
inputs: {x: [4]}
layers:
  - dense: {units: 8, use_bias: false, kernel_regularizer: l2}
  - batch_normalization: {synchronized: true}
  - activation: relu
  - dense: {units: 3, activation: softmax, name: y}
data:
  source: {sklearn: iris}
  inputs: {x: data}
  targets: {y: target}
  split: {validation: 0.2, test: 0.2, by: stratified}
  batch_size: 25
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  phases: {first: {epochs: 2}, second: {epochs: 2, freeze: dense, optimizer: {sgd: 0.1}}}
  distribute: {mirrored: 2}
"""


def test_a_project_has_the_same_curve(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(PROJECT)
    state, _ = emitted(tmp_path / "spec.yaml", tmp_path / "project")
    ours, _ = train_spec(state, tmp_path / "runs")
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path / "project", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = curve(tmp_path / "project" / "output" / "history.csv")
    assert max(differences(ours, theirs).values()) < 1e-4


# --- going on -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an uninterrupted run with dropout, noise, batch statistics and moving averages leaves."""
    return results(go(tmp_path_factory.mktemp("whole"), stateful(distribute=TWO), noisy).folder)


@pytest.mark.parametrize(("number", "epoch", "step"), [(signal.SIGTERM, 2, None), (signal.SIGINT, 3, 2)])
def test_an_interrupted_run_ends_as_if_nothing_had_happened(
    tmp_path: Path, whole: dict[str, Any], number: int, epoch: int, step: int | None
) -> None:
    press = Press(number, epoch, step)
    with pytest.raises(Interrupted):
        go(tmp_path, stateful(press, distribute=TWO), noisy)
    report = go(tmp_path, stateful(press, distribute=TWO), noisy)
    assert different(whole, results(report.folder)) == []


def test_a_run_goes_on_with_as_many_devices(tmp_path: Path) -> None:
    press = Press(epoch=1)
    with pytest.raises(Interrupted):
        go(tmp_path, stateful(press, distribute=TWO), run=tmp_path / "out")
    for other, now in ((Mirrored(devices=3), "`CPU:0, CPU:1, CPU:2`"), (None, "unset")):
        with pytest.raises(Problem, match=rf"`settings\.devices` was `CPU:0, CPU:1`, now {now}") as caught:
            go(tmp_path, stateful(press, distribute=other), run=tmp_path / "out")
        assert caught.value.code == "E512"


def test_rollback_repeats(tmp_path: Path) -> None:
    how = method(
        optimizer=SGD(learning_rate=0.3), loss=MeanSquaredError(), metrics=(), epochs=2, non_finite="rollback",
        distribute=TWO,
    )  # fmt: skip
    data, stream = iris(batch_size=2, shuffle=False), io.StringIO()
    report = train(tmp_path, data, how, linear, console=Console(file=stream, width=200))
    assert "half the learning rate" in stream.getvalue()
    assert rows(train(tmp_path, data, how, linear)) == rows(report)
