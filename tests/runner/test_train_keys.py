"""Every key of `train` has its effect, and the training loop computes what Keras's own computes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from running import iris, load, method, rows, small, train

from dlspec.components.methods.base import ENDS_IN_FLOAT32
from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component, load_attribute
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.sections.training import Phase, StartFrom
from dlspec.components.training import callbacks
from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.components.training.schedules import CosineDecay, InverseTimeDecay, PowerDecay, WarmUp
from dlspec.core.errors import Problem
from dlspec.data.feeding.feed import Feed
from dlspec.data.sources.npz import Npz
from dlspec.training.loop.compiling import precision, trainer
from dlspec.training.loop.steps import Pace, Steps
from dlspec.training.run.checkpoint import Checkpoints
from dlspec.training.run.report import Report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def saved(report: Report) -> dict[str, list[np.ndarray[Any, Any]]]:
    """Weights of the saved model by layer."""
    return {layer.name: layer.get_weights() for layer in load(report.folder / "model.keras").layers}


def body_and_head(units: int = 3) -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="relu", name="body.first")(x)
    hidden = keras.layers.Dense(8, activation="relu", name="body.second")(hidden)
    return keras.Model(x, keras.layers.Dense(units, activation="softmax", name="species")(hidden), name="small")


# --- the loop -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [[1] * 10, [10], [3, 3, 4]], ids=["one by one", "all at once", "in groups"])
def test_steps_are_those_of_fit_bit_by_bit(groups: list[int]) -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(95, 4)).astype("float32")
    y = np.arange(95) % 3

    def compiled() -> tuple[Any, Feed]:
        keras.utils.set_random_seed(0)
        model = small()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model, Feed((x, y), 10, seed=0)

    theirs, feed = compiled()
    history = theirs.fit(feed.dataset, epochs=1, shuffle=False, verbose=0).history
    ours, feed = compiled()
    steps, batches = Steps(ours, feed.dataset.element_spec), iter(feed.dataset)
    for count in groups:
        assert steps.train(batches, count) == (count, True)
    assert {name: [float(value)] for name, value in ours.get_metrics_result().items()} == history
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        assert (mine.value.numpy() == other.value.numpy()).all()


def test_calls_grow_to_a_tenth_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("dlspec.training.loop.steps.time.monotonic", lambda: now[0])
    pace, taken = Pace(), []
    for _ in range(6):
        taken.append(pace.steps(1000))
        now[0] += 1.0 if len(taken) == 1 else taken[-1] * 0.001  # the first call compiles
        pace.done(taken[-1])
    assert taken == [1, 4, 32, 100, 100, 100]
    assert Pace().steps(0) == 0 and Pace(7).steps(5) == 5


# --- precision and compilation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_precision(tmp_path: Path, policy: str) -> None:
    import keras

    report = train(tmp_path, how=method(precision=policy), build=body_and_head)
    model = load(report.folder / "model.keras")
    assert model.get_layer("body.second").compute_dtype == policy.removeprefix("mixed_")
    assert model.get_layer("body.second").variable_dtype == "float32"
    assert model.get_layer("species").compute_dtype == "float32"  # its softmax
    assert report.status == "finished" and keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("head", ["softmax", "sigmoid", "layer", "moved", "operation"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_an_example_that_is_surely_wrong_has_a_gradient(policy: str, head: str) -> None:
    import keras
    import tensorflow as tf

    def build() -> Any:
        x = keras.Input((1,))
        activation = head if head in ("softmax", "sigmoid") else None
        y = keras.layers.Dense(2, activation=activation, name="head", kernel_initializer=constant)(x)
        y = keras.layers.Softmax()(y) if head == "layer" else y
        y = keras.ops.softmax(y) if head == "operation" else y
        y = keras.layers.Reshape((2,))(keras.layers.Activation("softmax")(y)) if head == "moved" else y
        return keras.Model(x, y)

    def gradient(model: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = keras.losses.BinaryCrossentropy if head == "sigmoid" else keras.losses.CategoricalCrossentropy
            value = loss()(np.array([[0.0, 1.0]]), model(np.ones((1, 1), "float32")))
        (found,) = tape.gradient(value, [model.get_layer("head").kernel])
        return found.numpy()

    # Where Keras finds no scores behind it, it cuts probabilities at 1e-7.
    size = 7.5 if head in ("moved", "operation") else 12.0
    constant = keras.initializers.Constant([[size, -size]])
    with precision(policy):
        model = build()
    load_attribute(ENDS_IN_FLOAT32)(model)
    right = gradient(build())
    assert abs(right).min() > 0.3
    np.testing.assert_allclose(gradient(model), right, rtol=1e-2)


def test_float16_scales_the_loss(tmp_path: Path) -> None:
    def scaled(**options: Any) -> bool:
        """Whether the checkpoint of a run holds the factor of the loss."""
        folder = train(tmp_path, how=method(optimizer=Adam(learning_rate=1e-3), **options)).folder
        checkpoint, _ = Checkpoints(folder).load()
        assert checkpoint is not None
        return any(array.shape == () and array >= 2.0**10 for array in checkpoint.arrays.values())

    assert scaled(precision="mixed_float16") and not scaled(precision="mixed_bfloat16")


@pytest.mark.parametrize(("jit", "expected"), [(True, True), (False, False), (None, False)])
def test_jit(tmp_path: Path, jit: bool | None, expected: bool) -> None:
    how = method(jit=jit, epochs=1)
    assert trainer(small(), how, how.chosen_optimizer, ["species"]).jit_compile is expected
    if jit:
        plain = train(tmp_path, how=method(epochs=1), build=body_and_head).metrics["train"]["loss"]
        compiled = train(tmp_path, how=how, build=body_and_head).metrics["train"]["loss"]
        assert compiled == pytest.approx(plain, rel=1e-4)


def weights_of(report: Report) -> list[np.ndarray[Any, Any]]:
    return load(report.folder / "model.keras").get_weights()


# --- weights of classes, and examples that are repeated ---------------------------------------------------------------


def rarely_third(**options: Any) -> Data:
    """Iris with a third species that is hardly there."""
    return iris(source=Npz(path="rare.npz"), inputs={"measures": Feature(column="x")}, split=Split(), **options)


def recall_of_third(folder: Path, **options: Any) -> float:
    """Share of the rare species that is found, after training without luck: overlapping, and all examples alike."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [100, 100, 10])
    np.savez(folder / "rare.npz", x=rng.normal(size=(210, 4)).astype("float32") + y[:, None] * 0.4, target=y)
    data = rarely_third(**options)
    report = train(folder, data, method(metrics=(), epochs=12, optimizer=Adam(learning_rate=0.01)), body_and_head)
    with np.load(folder / "rare.npz") as rare:
        guessed = load(report.folder / "model.keras").predict(rare["x"], verbose=0).argmax(1)
    return float((guessed[y == 2] == 2).mean())


def test_rare_classes_are_found_when_they_count_more(tmp_path: Path) -> None:
    target = {"species": Target(column="target", class_weights="balanced")}
    plain, weighted, repeated = (
        recall_of_third(tmp_path, **options) for options in ({}, {"targets": target}, {"oversample": True})
    )
    assert plain <= 0.2
    assert weighted >= 0.6 and repeated >= 0.6


# --- gradients, averages and rates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed", [{"clipnorm": 1e-3}, {"clipvalue": 1e-3}, {"global_clipnorm": 1e-3}, {"gradient_accumulation_steps": 2}]
)
def test_gradients_are_clipped_and_accumulated(tmp_path: Path, changed: dict[str, Any]) -> None:
    plain, other = (
        train(tmp_path, how=method(epochs=1, optimizer=SGD(learning_rate=0.1, **given))) for given in ({}, changed)
    )
    assert plain.metrics != other.metrics


def test_moving_averages_are_what_is_compared_and_kept(tmp_path: Path) -> None:
    averaged = Adam(learning_rate=0.1, use_ema=True, ema_momentum=0.8)
    report = train(tmp_path, how=method(optimizer=averaged))
    best = report.facts["best"]
    assert report.metrics["validation"]["loss"] == pytest.approx(best["val_loss"], rel=1e-6)
    plain = train(tmp_path, how=method(optimizer=Adam(learning_rate=0.1)))
    # In training itself nothing changes; what is measured on the validation split does.
    assert [row["loss"] for row in rows(report)] == [row["loss"] for row in rows(plain)]
    assert [row["val_loss"] for row in rows(report)] != [row["val_loss"] for row in rows(plain)]
    last = train(tmp_path, how=method(optimizer=averaged, keep="last"))
    assert last.metrics["validation"]["loss"] == pytest.approx(float(rows(report)[-1]["val_loss"]), rel=1e-6)


def test_warm_up() -> None:
    import keras

    rate = WarmUp(steps=4, to=0.8).make()
    assert [round(float(rate(step)), 6) for step in range(6)] == [0.2, 0.4, 0.6, 0.8, 0.8, 0.8]
    cosine = CosineDecay(initial_learning_rate=0.8, decay_steps=10)
    after = WarmUp(steps=4, to=cosine).make()
    plain = cosine.make()
    assert float(after(3)) == pytest.approx(0.8)
    assert [float(after(3 + step)) for step in (1, 5, 10)] == pytest.approx([float(plain(step)) for step in (1, 5, 10)])
    for one in (rate, after):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(one))
        assert [float(again(step)) for step in range(9)] == [float(one(step)) for step in range(9)]


def test_power_decay() -> None:
    """The learning rate divides by a power of the time, and a saved schedule says the same."""
    import keras

    rate = PowerDecay(initial_learning_rate=0.8, decay_steps=4, power=0.5).make()
    expected = [0.8 / (1 + step / 4) ** 0.5 for step in range(20)]
    assert [float(rate(step)) for step in range(20)] == pytest.approx(expected, rel=1e-6)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert [float(again(step)) for step in range(20)] == [float(rate(step)) for step in range(20)]
    inverse = InverseTimeDecay(initial_learning_rate=0.8, decay_steps=4, decay_rate=1).make()
    plain = PowerDecay(initial_learning_rate=0.8, decay_steps=4).make()
    assert [float(plain(step)) for step in range(20)] == pytest.approx([float(inverse(step)) for step in range(20)])


# --- phases ---------------------------------------------------------------------------------------------------------


def phased(**phases: Phase) -> Supervised:
    return Supervised(loss=SparseCategoricalCrossentropy(), optimizer=SGD(learning_rate=0.1), phases=phases)


def test_a_phase_freezes_what_it_names(tmp_path: Path) -> None:
    start = train(tmp_path, how=phased(all=Phase(epochs=1)), build=body_and_head)
    head = phased(all=Phase(epochs=1), head=Phase(epochs=2, freeze=("body",)))
    report = train(tmp_path, how=Supervised(**{**head.given, "keep": "last"}), build=body_and_head)
    assert len(rows(report)) == 3
    before, after = saved(start), saved(report)
    for name in ("body.first", "body.second"):
        assert all((a == b).all() for a, b in zip(before[name], after[name], strict=True)), name
    assert not (before["species"][0] == after["species"][0]).all()


def test_a_phase_unfreezes_and_has_its_own_optimizer(tmp_path: Path) -> None:
    first = Phase(epochs=1, freeze=("body.*",))
    frozen = phased(first=first, second=Phase(epochs=1, optimizer=SGD(learning_rate=1e-9)))
    thawed = phased(first=first, second=Phase(epochs=1, unfreeze=("body.second",)))
    still, moved = (
        saved(train(tmp_path, how=Supervised(**{**how.given, "keep": "last"}), build=body_and_head))
        for how in (frozen, thawed)
    )
    assert (still["body.first"][0] == moved["body.first"][0]).all()
    assert not (still["body.second"][0] == moved["body.second"][0]).all()


def test_training_starts_from_a_saved_model(tmp_path: Path) -> None:
    base = train(tmp_path, build=body_and_head)
    (tmp_path / "base.keras").write_bytes((base.folder / "model.keras").read_bytes())
    stream = io.StringIO()
    still = SGD(learning_rate=1e-12)
    how = method(epochs=1, start_from=StartFrom(file="base.keras"), optimizer=still)
    report = train(tmp_path, how=how, build=body_and_head, console=Console(file=stream, width=200))
    assert all((a == b).all() for a, b in zip(saved(base)["body.first"], saved(report)["body.first"], strict=True))
    assert "weights of base.keras" in stream.getvalue() and "but not" not in stream.getvalue()


def other_head() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="relu", name="body.first")(x)
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="kind")(hidden), name="small")


def unlike() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="other")(x), name="small")


def test_layers_of_other_names_start_anew(tmp_path: Path) -> None:
    base = train(tmp_path, build=body_and_head)
    (tmp_path / "base.keras").write_bytes((base.folder / "model.keras").read_bytes())
    stream = io.StringIO()
    how = method(epochs=1, start_from=StartFrom(file="base.keras"))
    train(tmp_path, how=how, build=other_head, console=Console(file=stream, width=200))
    assert "weights of base.keras: 2 of 4 tensors, but not for kind" in stream.getvalue()
    with pytest.raises(Problem, match=r"no layer of `base\.keras` has the name and shapes") as caught:
        train(tmp_path, how=how, build=unlike)
    assert caught.value.code == "E516"
    (tmp_path / "base.keras").write_text("nothing")
    with pytest.raises(Problem, match=r"`base\.keras` cannot be read as weights of Keras") as caught:
        train(tmp_path, how=how, build=other_head)
    assert caught.value.code == "E516"


# --- contradictions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"phases": {}}, "`phases` is empty"),
        ({"phases": {"a": Phase(epochs=1)}, "epochs": 3}, "`epochs` has no effect beside `phases`"),
        (
            {"phases": {"a": Phase(epochs=1, optimizer=SGD())}, "optimizer": SGD()},
            "`optimizer` has no effect: every phase has its own",
        ),
        ({"speed": "auto", "jit": True}, "`jit` has no effect beside `speed: auto`, which chooses it"),
        (
            {"non_finite": "rollback", "optimizer": SGD(learning_rate=WarmUp(steps=3, to=0.1))},
            "`rollback` cannot halve a learning rate that a schedule rules",
        ),
    ],
)
def test_contradictions(given: dict[str, Any], message: str) -> None:
    component: Component = Supervised(**{"loss": MeanSquaredError(), **given})
    with pytest.raises(Problem, match=message) as caught:
        component.validate()
    assert caught.value.code == "E207"


# --- callbacks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("callback", "file"),
    [
        (callbacks.TensorBoard(log_dir="logs", update_freq=1), "logs/train"),
        (callbacks.ModelCheckpoint(filepath="{epoch}.keras"), "3.keras"),
        (callbacks.ModelCheckpoint(filepath="w.weights.h5", save_weights_only=True, save_freq=2), "w.weights.h5"),
        (callbacks.CSVLogger(filename="log.csv"), "log.csv"),
        (callbacks.SwapEMAWeights(swap_on_epoch=True), "model.keras"),
    ],
    ids=lambda value: value.name if isinstance(value, Component) else "",
)
def test_every_callback_runs_in_our_loop(tmp_path: Path, callback: callbacks.Callback, file: str) -> None:
    optimizer = Adam(learning_rate=0.02, use_ema=True)
    report = train(tmp_path, how=method(callbacks=(callback,), optimizer=optimizer))
    assert report.status == "finished" and (report.folder / file).exists()
