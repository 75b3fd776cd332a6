"""Accepted means effective: each key of `train` is held against the same run without it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from running import iris, linear, load, method, small, train

from dlspec.components.methods.adapter_checks import planned
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.training import Checkpoint, Learner, Phase, StartFrom
from dlspec.components.training.accuracy_metrics import Accuracy
from dlspec.components.training.adapters import Lora
from dlspec.components.training.callbacks import CSVLogger
from dlspec.components.training.decisions import F1
from dlspec.components.training.distributions import Mirrored
from dlspec.components.training.losses import BinaryCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.core.errors import Problem
from dlspec.data.sources.sklearn import Sklearn
from dlspec.passes import compile_spec
from dlspec.training.loop.compiling import trainer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # The model of the test ends in softmax whatever the loss.
    pytest.mark.filterwarnings("ignore:.*received .from_logits=True:UserWarning"),
]

PLAIN: dict[str, Any] = {"loss": SparseCategoricalCrossentropy(), "optimizer": SGD(learning_rate=0.1), "epochs": 3}
# Two classes, for which a threshold decides.
CANCER = Sklearn(set="breast_cancer")
NOTED = ("weights of", "distribute:", "threshold of")
# For each key, what is written beside those of PLAIN, and which of the `traces` must then be others.
EFFECTS: dict[str, tuple[Any, str]] = {
    "loss": (SparseCategoricalCrossentropy(ignore_class=0), "weights"),
    "loss_weights": ({"species": 3.0}, "weights"),
    "minimize": ({"species": 1.0}, "measures"),
    "learners": ({"slow": Learner(loss=SparseCategoricalCrossentropy(), every=2)}, "weights"),
    "optimizer": (Adam(), "weights"),
    "metrics": ((Accuracy(),), "measures"),
    "baselines": (True, "beside"),
    "epochs": (4, "epochs"),
    "callbacks": ((CSVLogger(filename="a.csv"),), "files"),
    "seed": (1, "weights"),
    "threshold": (F1(), "notes"),
    "calibration": ("temperature", "weights"),
    "monitor": ("loss", "best"),
    "keep": ("last", "best"),
    "start_from": (StartFrom(file="base.keras"), "notes"),
    "adapters": (Lora(rank=1, layers=("species",)), "weights"),
    "phases": ({"first": Phase(epochs=2, freeze=("species",)), "second": Phase(epochs=1)}, "weights"),
    "precision": ("mixed_bfloat16", "dtype"),
    "embedding_gradients": ("by_use", "weights"),
    "jit": (True, "compiled"),
    "speed": ("auto", "files"),
    "distribute": (Mirrored(), "notes"),  # what it does on two devices: runs_on_two_devices.py
    "non_finite": ("rollback", "error"),
    "checkpoint": (Checkpoint(every=0.0), "files"),
    "log": (("tensorboard",), "files"),
}


def traces(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What a run leaves for somebody to see."""
    how, stream = Supervised(**given), io.StringIO()
    # Fails, unless it goes back to half the learning rate.
    exploding, binary = given["loss"].name == "mean_squared_error", given["loss"].name == "binary_crossentropy"
    data = iris(batch_size=1, shuffle=False) if exploding else iris(source=CANCER) if binary else iris()
    build = linear if exploding else answering if binary else looked_up if given["optimizer"].name == "adam" else small
    found: dict[str, Any] = {"error": None}
    if how.adapters is not None:
        how.adapted = planned(how.adapters, graph_of_small(folder)).adapted
    try:
        report = train(folder, data, how, build, console=Console(file=stream, width=200))
    except Problem as problem:
        return {"error": problem.code}
    model = load(report.folder / "model.keras")
    compiled = trainer(small(), how, list(how.optimizers) if how.turns else how.chosen_optimizer, ["species"])
    return found | {
        "weights": [weight.tobytes() for weight in model.get_weights()],
        "measures": sorted(report.metrics["train"]),
        "epochs": report.facts["epochs"],
        "beside": sorted(report.facts.get("baselines", {}).get("measured", {})),
        "best": sorted(report.facts["best"] or ()),
        "files": sorted({path.relative_to(report.folder).parts[:2] for path in report.folder.rglob("*")}),
        "notes": [line for line in stream.getvalue().splitlines() if line.startswith(NOTED)],
        "dtype": model.layers[1].compute_dtype,
        "compiled": compiled.jit_compile,
    }


def graph_of_small(folder: Path) -> Any:
    """The graph of a spec whose model is `small`."""
    spec = folder / "small.yaml"
    spec.write_text("inputs: {x: [4]}\nlayers: [{dense: 8}, {dropout: 0.2}, {dense: {units: 3, name: species}}]\n")
    return compile_spec(spec).graph


def answering() -> Any:
    import keras

    x = keras.layers.Rescaling(0.01)(inputs := keras.Input((30,), name="measures"))
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="species")(x))


def looked_up() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Flatten()(keras.layers.Embedding(10, 2)(x))
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden))


def test_every_key_is_here() -> None:
    assert EFFECTS.keys() == Supervised.fields.keys()


@pytest.mark.parametrize("key", Supervised.fields)
def test_a_key_has_its_effect(key: str, tmp_path: Path) -> None:
    value, trace = EFFECTS[key]
    plain = dict(PLAIN)
    if key == "non_finite":
        plain |= {"loss": MeanSquaredError(), "optimizer": SGD(learning_rate=0.3)}
    if key == "phases":
        del plain["epochs"]
        plain["phases"] = {"only": Phase(epochs=3)}
    if key == "start_from":
        base = train(tmp_path, how=method(seed=5))
        (tmp_path / "base.keras").write_bytes((base.folder / "model.keras").read_bytes())
    if key == "threshold":
        plain["loss"] = BinaryCrossentropy()
    if key == "calibration":
        plain["loss"] = SparseCategoricalCrossentropy(from_logits=True)
    if key == "embedding_gradients":
        plain["optimizer"] = Adam()
    without, with_it = traces(tmp_path, plain), traces(tmp_path, {**plain, key: value})
    assert with_it[trace] != without[trace], with_it[trace]
