"""Small real trainings for the tests of the runner."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Split, Stratified, Target
from dlspec.components.training.accuracy_metrics import Accuracy
from dlspec.components.training.losses import SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import Adam
from dlspec.data.sources.sklearn import Sklearn
from dlspec.training.run.report import Report
from dlspec.training.run.resume import RunLocation
from dlspec.training.train import Request, run

if TYPE_CHECKING:
    from rich.console import Console


def iris(**options: Any) -> Data:
    """Four measures, three species."""
    given = {
        "source": Sklearn(set="iris"),
        "targets": {"species": Target(column="target")},
        "split": Split(validation=0.2, test=0.2, by=Stratified()),
    }
    return Data(**{**given, **options})


def method(**options: Any) -> Supervised:
    """Three epochs of Adam."""
    given = {
        "loss": SparseCategoricalCrossentropy(),
        "metrics": (Accuracy(),),
        "optimizer": Adam(learning_rate=0.02),
        "epochs": 3,
    }
    return Supervised(**{**given, **options})


def small(units: int = 3) -> Any:
    """A model for iris, with dropout so that the seed matters in every step."""
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="relu")(x)
    hidden = keras.layers.Dropout(0.2)(hidden)
    return keras.Model(x, keras.layers.Dense(units, activation="softmax", name="species")(hidden), name="small")


def linear() -> Any:
    """A model of one number."""
    import keras

    x = keras.Input((4,), name="measures")
    return keras.Model(x, keras.layers.Dense(1, name="species")(x))


def request(build: Any, data: Data, how: Supervised, folder: Path, name: str = "small", **options: Any) -> Request:
    """A training without a spec."""
    return Request(build=build, data=data, method=how, folder=folder, spec_text=f"name: {name}\n", name=name, **options)


def train(
    folder: Path,
    data: Data | None = None,
    how: Supervised | None = None,
    build: Any = small,
    *,
    place: RunLocation | None = None,
    console: Console | None = None,
    **options: Any,
) -> Report:
    """One run below `folder`."""
    wanted = request(build, data or iris(), how or method(), folder, **options)
    return run(wanted, folder / "runs", location=place, console=console)


def rows(report: Report) -> list[dict[str, str]]:
    """The lines of metrics.csv without the time they took."""
    with (report.folder / "metrics.csv").open(newline="") as stream:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(stream)]


def load(path: Path) -> Any:
    """A saved model."""
    import keras

    return keras.saving.load_model(path)
