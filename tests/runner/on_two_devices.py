"""What `train: {distribute: mirrored}` must hold, tried on parts of the CPU.

TensorFlow divides the CPU only before it starts: ``test_distribution.py`` runs this file in a process of its own.
"""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from running import iris, load, method, rows, train
from test_resume import Press, go, noisy, stateful

from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component, declared
from dlspec.components.sections.training import Phase
from dlspec.components.training.distributions import Mirrored
from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.core.errors import Problem
from dlspec.data.feeding.feed import Feed, in_order
from dlspec.training.loop.compiling import trainer
from dlspec.training.loop.distribution import open_distribution
from dlspec.training.loop.mirrored import MirroredDevices
from dlspec.training.loop.signals import Interrupted
from dlspec.training.loop.steps import Steps
from tests.crash.results import different, results
from tests.emit.projects import curve, differences, emitted, train_spec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TWO = Mirrored(devices=2)
Weights = list[np.ndarray[Any, Any]]


@pytest.fixture(scope="module", autouse=True)
def three_devices() -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)


def same(one: Weights, other: Weights, tolerance: float = 1e-5) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def regularized() -> Any:
    """Weights and outputs that add to the loss."""
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="relu", kernel_regularizer="l2", activity_regularizer="l2")(x)
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")


# --- whole runs -----------------------------------------------------------------------------------------------------


# 90 examples: in equal shares; in shares of 23 and 22; with a last batch of one example, for two and three devices.
@pytest.mark.parametrize(("batch_size", "devices"), [(30, 2), (45, 2), (89, 2), (88, 3), (7, 3)])
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


# --- steps ----------------------------------------------------------------------------------------------------------


def weights_after(build: Callable[[], Any], how: Supervised, examples: Any, batch: int = 10) -> tuple[Weights, Any]:
    """Weights and measures after two epochs, the measures on the examples in order last."""
    import keras

    keras.utils.set_random_seed(0)
    distribution = open_distribution(how)
    core = distribution.build(build)
    model = trainer(core, how, how.chosen_optimizer, core.output_names, distribution)
    feed = Feed(examples, batch, seed=0)
    steps = Steps(model, feed.dataset.element_spec, distribution)
    for epoch in range(2):
        model.reset_metrics()
        feed.set_epoch(epoch)
        assert steps.train(iter(feed.dataset), feed.steps) == (feed.steps, True)
    learnt = {name: float(value) for name, value in model.get_metrics_result().items()}
    model.reset_metrics()
    steps.test(iter(in_order(examples, batch)), feed.steps)
    tested = {f"val_{name}": float(value) for name, value in model.get_metrics_result().items()}
    strategy = distribution.strategy if isinstance(distribution, MirroredDevices) else None
    for copy in [strategy.experimental_local_results(weight.value) for weight in core.weights] if strategy else []:
        assert all((one.numpy() == copy[0].numpy()).all() for one in copy), "all devices hold the same weights"
    return core.get_weights(), learnt | tested


def compare(build: Callable[[], Any], how: Supervised, examples: Any, batch: int = 10, tolerance: float = 1e-5) -> None:
    shared, measured = weights_after(build, Supervised(**{**how.given, "distribute": TWO}), examples, batch)
    alone, expected = weights_after(build, how, examples, batch)
    same(shared, alone, tolerance)
    assert measured == pytest.approx(expected, rel=tolerance * 10)


def numbers(count: int = 47, classes: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)).astype("float32"), np.arange(count) % classes


OPTIMIZERS = [owner for owner in declared() if owner.kind == "optimizer"]


@pytest.mark.parametrize("owner", OPTIMIZERS, ids=lambda owner: owner.registered_name)
def test_every_optimizer(owner: type[Component]) -> None:
    how = method(optimizer=owner(**({"inner_optimizer": Adam()} if "inner_optimizer" in owner.fields else {})))
    compare(regularized, how, numbers())


@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_the_gradient_of_the_whole_batch_is_clipped(limit: str) -> None:
    compare(regularized, method(optimizer=SGD(learning_rate=0.5, **{limit: 0.05})), numbers())


def test_weights_of_examples() -> None:
    x, y = numbers()
    compare(regularized, method(), (x, y, np.linspace(0.1, 3, 47).astype("float32")))


def masked() -> Any:
    import keras

    words = keras.Input((6,), name="words", dtype="int32")
    hidden = keras.layers.LSTM(5, return_sequences=True)(keras.layers.Embedding(20, 4, mask_zero=True)(words))
    return keras.Model(words, keras.layers.Dense(3, activation="softmax", name="tag")(hidden))


def test_masks_count_over_the_whole_batch() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(1, 20, (47, 6)) * (np.arange(6) < rng.integers(1, 7, (47, 1)))  # of very unequal lengths
    compare(masked, method(), (words.astype("int32"), rng.integers(0, 3, (47, 6))))


def looked_up() -> Any:
    import keras

    words = keras.Input((6,), name="words", dtype="int32")
    hidden = keras.layers.Flatten()(keras.layers.Embedding(1200, 4)(words))
    return keras.Model(words, keras.layers.Dense(3, activation="softmax", name="tag")(hidden))


@pytest.mark.parametrize("optimizer", [Adam(learning_rate=0.02), SGD(learning_rate=0.1, global_clipnorm=0.1)])
def test_rows_of_the_whole_batch_are_summed(optimizer: Component) -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(0, 5, (47, 6)).astype("int32")
    compare(looked_up, method(optimizer=optimizer), (words, rng.integers(0, 3, 47)))


def several() -> Any:
    import keras

    x, z = keras.Input((4,), name="x"), keras.Input((2,), name="z")
    both = keras.layers.Concatenate()([x, z])
    outputs = {
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(both),
        "sold": keras.layers.Dense(1, activation="sigmoid", name="sold")(both),
        "price": keras.layers.Dense(1, name="price")(both),
    }
    return keras.Model({"x": x, "z": z}, outputs)


def test_several_inputs_and_outputs() -> None:
    from dlspec.components.training.losses import BinaryCrossentropy

    x, y = numbers()
    inputs = {"x": x, "z": x[:, :2] * 3}
    targets = {"kind": y, "sold": (y == 1).astype("float32")[:, None], "price": x[:, :1] * 2}
    losses = {"kind": SparseCategoricalCrossentropy(), "sold": BinaryCrossentropy(), "price": MeanSquaredError()}
    how = Supervised(loss=losses, loss_weights={"price": 0.3}, optimizer=Adam(learning_rate=0.02))
    compare(several, how, (inputs, targets))


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_reductions(reduction: str) -> None:
    x, y = numbers()
    how = method(loss=SparseCategoricalCrossentropy(reduction=reduction), optimizer=SGD(learning_rate=0.01))
    compare(regularized, how, (x, y, np.linspace(0.1, 3, 47).astype("float32")))


def normalized(synchronized: bool) -> Callable[[], Any]:
    def build() -> Any:
        import keras

        x = keras.Input((4,), name="measures")
        hidden = keras.layers.Dense(8, use_bias=False)(x)
        hidden = keras.layers.BatchNormalization(synchronized=synchronized, momentum=0.7)(hidden)
        hidden = keras.layers.Activation("relu")(hidden)
        return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")

    return build


def test_batch_statistics_of_all_devices() -> None:
    compare(normalized(True), method(), numbers())


def test_batch_statistics_of_each_device_are_averaged_and_differ() -> None:
    how = method(distribute=TWO)
    shared, _ = weights_after(normalized(False), how, numbers(41))  # a last batch of one example
    alone, _ = weights_after(normalized(False), method(), numbers(41))
    assert all(np.isfinite(weight).all() for weight in shared)
    with pytest.raises(AssertionError):
        same(shared, alone)


def test_statistics_of_all_devices_want_an_example_of_each(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="the last batch holds 1 of 90 examples, fewer than the 2 devices") as caught:
        train(tmp_path, iris(batch_size=89), method(distribute=TWO), normalized(True))
    assert caught.value.code == "E518" and not list((tmp_path / "runs").glob("*/*"))
    with pytest.raises(Problem, match="a batch of 1 cannot be divided among 2 devices"):
        train(tmp_path, iris(batch_size=1), method(distribute=TWO))


def tanh() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="tanh")(x)
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_precision(tmp_path: Path, policy: str) -> None:
    # Adam would make a whole step of the sign of a rounding error.
    how = {"precision": policy, "optimizer": SGD(learning_rate=0.1)}
    shared = train(tmp_path, iris(batch_size=25), method(distribute=TWO, **how), tanh)
    alone = train(tmp_path, iris(batch_size=25), method(**how), tanh)
    same(load(shared.folder / "model.keras").get_weights(), load(alone.folder / "model.keras").get_weights(), 2e-2)


def test_a_loss_that_is_not_finite_changes_no_weight(tmp_path: Path) -> None:
    import keras

    x, y = numbers(40)
    x[25] = np.inf
    how = method(distribute=TWO)
    distribution = open_distribution(how)
    core = distribution.build(tanh)
    model = trainer(core, how, how.chosen_optimizer, core.output_names, distribution)
    feed = Feed((x, y), 10, seed=0, shuffle=False)
    assert Steps(model, feed.dataset.element_spec, distribution).train(iter(feed.dataset), 4) == (3, False)
    assert all(np.isfinite(weight).all() for weight in core.get_weights())
    keras.backend.clear_session()
    exploding = method(distribute=TWO, optimizer=SGD(learning_rate=1e18), loss=MeanSquaredError(), metrics=(), epochs=2)
    with pytest.raises(Problem, match=r"the loss became (nan|inf) in step \d+ of epoch \d+"):
        train(tmp_path, iris(batch_size=4), exploding, linear)


def linear() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    return keras.Model(x, keras.layers.Dense(1, name="species")(x))


def test_random_layers_draw_other_numbers_on_each_device() -> None:
    import tensorflow as tf

    how = method(distribute=TWO)
    distribution = open_distribution(how)
    assert distribution is not None

    def dropping() -> Any:
        import keras

        x = keras.Input((50,))
        return keras.Model(x, keras.layers.Dropout(0.5)(x))

    core = distribution.build(dropping)
    distribution.agree(core)
    drawn = tf.function(lambda: distribution.strategy.run(lambda: core(tf.ones((1, 50)), training=True)))()
    one, other = (value.numpy() for value in distribution.strategy.experimental_local_results(drawn))
    assert (one != other).any() and {*one.ravel()} == {*other.ravel()} == {0.0, 2.0}


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
