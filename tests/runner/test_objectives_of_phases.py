"""Phases with objectives of their own: each trains by its own alone, and a run that is interrupted goes on in any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running import iris, rows, train
from test_resume import Press, go

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.training import Checkpoint, Learner, Phase
from dlspec.components.training.accuracy_metrics import Accuracy
from dlspec.components.training.callbacks import EarlyStopping
from dlspec.components.training.loss_metrics import Mean
from dlspec.components.training.losses import SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.training.loop.signals import Interrupted
from tests.crash.results import different, results

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def layered() -> Any:
    """Numbers become a code, which is turned back, and from which a species follows."""
    import keras
    from keras import layers, ops

    x = keras.Input((4,), name="measures")
    code = layers.Dropout(0.1)(layers.Dense(3, activation="tanh", name="code")(x))
    back = layers.Dense(4, name="back")(code)
    species = layers.Dense(3, activation="softmax", name="species")(code)
    return keras.Model(
        x,
        {
            "species": species,
            "error": ops.mean((back - x) ** 2, axis=-1),
            "size": ops.mean(ops.abs(code), axis=-1),
        },
        name="small",
    )


def phased(press: Press | None = None, **more: Any) -> Supervised:
    coder = Learner(trains=("code",), minimize={"error": 1.0, "size": 0.1}, optimizer=Adam(learning_rate=0.02))
    turner = Learner(trains=("back",), minimize={"error": 1.0}, optimizer=SGD(learning_rate=0.1, momentum=0.9))
    phases = {
        "code": Phase(epochs=2, minimize={"error": 0.01}),
        "both": Phase(epochs=2, learners={"coder": coder, "turner": turner}, metrics={"size": [Mean()]}),
        "fine": Phase(epochs=2),
    }
    given: dict[str, Any] = {
        "loss": {"species": SparseCategoricalCrossentropy()},
        "metrics": {"species": (Accuracy(),)},
        "optimizer": SGD(learning_rate=0.1, momentum=0.9),
        "phases": phases,
        "callbacks": (EarlyStopping(monitor="val_accuracy", patience=5), press or Press(epoch=-1)),
        "checkpoint": Checkpoint(every=0.0),
    }
    return Supervised(**{**given, **more})


def test_each_phase_measures_its_own_and_the_last_ones_decide(tmp_path: Path) -> None:
    report = train(tmp_path, iris(), phased(), layered)
    lines = rows(report)
    measured = [
        sorted(name for name, value in line.items() if value and name[:3] not in ("val", "epo")) for line in lines
    ]
    assert measured[0] == ["error", "loss"]
    assert measured[2] == ["coder_loss", "error", "size", "turner_loss"]
    assert measured[4] == ["accuracy", "loss"]
    # The reconstruction's loss is the smaller number, and is not compared with that of the species.
    assert min(float(line["val_loss"]) for line in lines[:2]) < min(float(line["val_loss"]) for line in lines[4:])
    assert report.facts["best"]["epoch"] in (5, 6)
    assert set(report.facts["metrics"]["test"]) == {"loss", "accuracy"}


def test_a_phase_moves_what_its_objective_reaches_alone(tmp_path: Path) -> None:
    import keras

    found = []

    def build() -> Any:
        keras.utils.set_random_seed(1)
        found.append(layered())
        return found[-1]

    train(
        tmp_path,
        iris(),
        phased(phases={"code": Phase(epochs=1, minimize={"error": 1.0}), "fine": Phase(epochs=1)}),
        build,
    )
    train(tmp_path, iris(), phased(phases={"fine": Phase(epochs=1)}), build)
    both, fine = found
    start = layered_start()
    back, untouched = (model.get_layer("back").get_weights()[0] for model in found)
    assert (untouched == start).all() and (back != start).any()
    assert (both.get_layer("species").get_weights()[0] != fine.get_layer("species").get_weights()[0]).any()


def layered_start() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return layered().get_layer("back").get_weights()[0]


def test_a_run_goes_on_inside_of_each_phase(tmp_path: Path) -> None:
    expected = results(go(tmp_path / "whole", phased(), layered).folder)
    for epoch, step in ((1, 3), (2, None), (3, 2), (4, 1)):
        with pytest.raises(Interrupted):
            go(tmp_path / "cut", phased(Press(epoch=epoch, step=step)), layered)
    assert not different(results(go(tmp_path / "cut", phased(), layered).folder), expected)
