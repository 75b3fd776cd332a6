"""Whole runs on real data: the folder, the report, repeatability, interruption, and the effect of every key."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from running import iris, linear, load, method, rows, small, train

from dlspec.components.sections.data import Data, Split
from dlspec.components.training import accuracy_metrics
from dlspec.components.training.callbacks import Callback, EarlyStopping, ReduceLROnPlateau, TerminateOnNaN
from dlspec.components.training.losses import MeanSquaredError
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.components.training.schedules import PiecewiseConstantDecay
from dlspec.core.errors import Problem, SpecError
from dlspec.core.ir import Tensor
from dlspec.data.feeding.feed import Feed
from dlspec.training.run.report import Report
from tests.support import as_documented

pytestmark = pytest.mark.slow


def test_a_run_leaves_what_it_promises(tmp_path: Path) -> None:
    stream = io.StringIO()
    report = train(tmp_path, console=Console(file=stream, width=200), command="dlspec train iris.yaml")
    assert sorted(path.name for path in report.folder.iterdir()) == [
        "baseline.npz",
        "checkpoints",
        "identity.json",
        "metrics.csv",
        "model.keras",
        "report.html",
        "report.json",
        "spec.yaml",
    ]
    assert (report.folder / "spec.yaml").read_text() == "name: small\n"
    facts = as_documented("report", (report.folder / "report.json").read_text())
    assert facts == json.loads(report.text())
    assert facts["status"] == "finished"
    assert set(facts["metrics"]) == {"train", "validation", "test"}
    assert set(facts["metrics"]["test"]) == {"loss", "accuracy"}
    assert facts["parameters"] == {"total": 67, "trainable": 67, "non_trainable": 0}
    assert facts["data"]["examples"] == {"train": 90, "validation": 30, "test": 30}
    assert facts["data"]["source"] == {"sklearn": {"set": "iris"}}
    assert facts["data"]["targets"]["species"]["encoding"] == "classes"
    assert (facts["epochs"], facts["seed"], facts["command"]) == (3, 0, "dlspec train iris.yaml")
    assert {"dlspec", "python", "tensorflow", "keras"} <= set(facts["versions"])
    assert facts["seconds"] > 0
    assert list(rows(report)[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [line.split()[1] for line in stream.getvalue().splitlines() if "epoch" in line] == ["1/3", "2/3", "3/3"]
    assert report.table().splitlines()[0].split() == ["loss", "accuracy"]


def test_a_run_repeats_bit_for_bit(tmp_path: Path) -> None:
    first, again = train(tmp_path), train(tmp_path)
    assert rows(first) == rows(again)
    assert first.metrics == again.metrics
    assert same_weights(first, again)


def same_weights(one: Report, other: Report) -> bool:
    pairs = zip(
        load(one.folder / "model.keras").get_weights(), load(other.folder / "model.keras").get_weights(), strict=True
    )
    return all((a == b).all() for a, b in pairs)


# --- every key has its effect ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [{"batch_size": 8}, {"shuffle": False}, {"seed": 5}, {"split": Split(validation=0.2, test=0.2, seed=5)}],
    ids=["batch_size", "shuffle", "seed", "split.seed"],
)
def test_keys_of_data_change_the_training(tmp_path: Path, data: dict[str, Any]) -> None:
    plain = iris(split=Split(validation=0.2, test=0.2))
    changed = Data(**{**plain.given, **data})
    assert rows(train(tmp_path, plain))[-1] != rows(train(tmp_path, changed))[-1]


@pytest.mark.parametrize(
    "how",
    [{"seed": 5}, {"optimizer": SGD(learning_rate=0.1)}, {"loss_weights": {"species": 3.0}}],
    ids=["seed", "optimizer", "loss_weights"],
)
def test_keys_of_train_change_the_training(tmp_path: Path, how: dict[str, Any]) -> None:
    assert rows(train(tmp_path))[-1] != rows(train(tmp_path, how=method(**how)))[-1]


def test_epochs_metrics_and_early_stopping(tmp_path: Path) -> None:
    report = train(tmp_path, how=method(epochs=2, metrics=(accuracy_metrics.SparseTopKCategoricalAccuracy(k=2),)))
    assert len(rows(report)) == 2
    assert "sparse_top_k_categorical_accuracy" in report.metrics["test"]
    stopping = EarlyStopping(monitor="loss", patience=0, min_delta=100.0)
    assert len(rows(train(tmp_path, how=method(epochs=9, callbacks=(stopping,))))) == 2


def test_the_best_epoch_is_kept_or_the_last(tmp_path: Path) -> None:
    # Three good epochs of three steps each, then a rate that ruins everything.
    rate = PiecewiseConstantDecay(boundaries=(9,), values=(0.05, 20.0))
    wild = {"optimizer": Adam(learning_rate=rate), "epochs": 5}
    best = train(tmp_path, how=method(**wild))
    losses = [float(row["val_loss"]) for row in rows(best)]
    assert best.facts["best"]["epoch"] == losses.index(min(losses)) + 1 == 3
    assert best.metrics["validation"]["loss"] == pytest.approx(min(losses), rel=1e-5)
    last = train(tmp_path, how=method(**wild, keep="last"))
    assert last.facts["best"] is None
    assert last.metrics["validation"]["loss"] == pytest.approx(losses[-1], rel=1e-5)
    by_accuracy = train(tmp_path, how=method(**wild, monitor="val_accuracy"))
    accuracies = [float(row["val_accuracy"]) for row in rows(by_accuracy)]
    assert by_accuracy.facts["best"] == {
        "epoch": accuracies.index(max(accuracies)) + 1,
        "val_accuracy": max(accuracies),
    }


def test_without_validation_the_training_loss_decides(tmp_path: Path) -> None:
    report = train(tmp_path, iris(split=None))
    assert list(report.facts["best"]) == ["epoch", "loss"]
    assert list(report.metrics) == ["train"]


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    how = method(optimizer=SGD(learning_rate=1e30), loss=MeanSquaredError(), metrics=(), epochs=5)

    with pytest.raises(Problem, match=r"the loss became (nan|inf) in (epoch|step)") as caught:
        train(tmp_path, how=how, build=linear)
    assert caught.value.code == "E508"
    assert caught.value.help.startswith("lower the learning rate")
    facts = only_report(tmp_path)
    assert (facts["status"], facts["error"]["code"], facts["metrics"]) == ("failed", "E508", {})


def only_report(folder: Path) -> dict[str, Any]:
    (path,) = (folder / "runs" / "small").glob("*/report.json")
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


class Interrupt(Callback):
    """Presses Ctrl-C in the third epoch."""

    def make(self, **extra: Any) -> Any:
        import keras

        class Press(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    raise KeyboardInterrupt

        return Press()


def test_an_interrupted_run_keeps_what_it_reached(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, how=method(epochs=9, callbacks=(Interrupt(),)))
    facts = only_report(tmp_path)
    assert (facts["status"], facts["epochs"]) == ("interrupted", 2)
    (folder,) = (tmp_path / "runs" / "small").iterdir()
    assert len((folder / "metrics.csv").read_text().splitlines()) == 3
    assert load(folder / "model.keras").predict(np.zeros((1, 4)), verbose=0).shape == (1, 3)


def test_whatever_keras_raises_is_in_the_report(tmp_path: Path) -> None:
    rate = PiecewiseConstantDecay(boundaries=(9,), values=(0.05, 0.1))
    how = method(optimizer=Adam(learning_rate=rate), callbacks=(ReduceLROnPlateau(patience=1, min_delta=10.0),))
    with pytest.raises(TypeError, match="`LearningRateSchedule`"):
        train(tmp_path, how=how)
    facts = only_report(tmp_path)
    assert (facts["status"], facts["error"]["code"]) == ("failed", "TypeError")


def test_an_unknown_measure_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="training measures no `val_acuracy`") as caught:
        train(tmp_path, how=method(monitor="val_acuracy"))
    assert (caught.value.code, caught.value.help) == ("E509", "did you mean `val_accuracy`?")


def test_data_that_do_not_fit_leave_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"E604: target `species` has label 2, the output has 2 classes"):
        train(tmp_path, build=lambda: small(units=2))
    assert not (tmp_path / "runs").exists()


def test_keras_callbacks_run_beside_ours(tmp_path: Path) -> None:
    assert train(tmp_path, how=method(callbacks=(TerminateOnNaN(),))).status == "finished"


def test_a_signature_may_name_the_outputs(tmp_path: Path) -> None:
    from dlspec.data.binding.signature import Signature

    signature = Signature({"measures": Tensor((4,))}, {"kind": Tensor((3,))})
    report = train(tmp_path, signature=signature)
    assert list(report.facts["data"]["targets"]) == ["kind"]


def test_the_order_of_training_is_ours(tmp_path: Path) -> None:
    """Keras sees the examples of each epoch in the order that (seed, epoch) gives."""
    import keras

    feed = Feed((np.arange(10.0)[:, None], np.zeros((10, 1))), 4, seed=3)
    seen: list[list[float]] = [[]]

    class Look(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            import tensorflow as tf

            tf.py_function(lambda value: seen[-1].extend(value.numpy().ravel().tolist()), [x], [])
            return x

    x = keras.Input((1,))
    model = keras.Model(x, keras.layers.Dense(1)(Look()(x)))
    model.compile("sgd", "mse", run_eagerly=True)

    class Next(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            seen.append([])

    model.fit(feed.dataset, epochs=2, verbose=0, shuffle=False, callbacks=[feed.callback(), Next()])
    from dlspec.data.order.order import order

    assert seen[1:] == [order(10, 3, epoch).astype(float).tolist() for epoch in range(2)]
