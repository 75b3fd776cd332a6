"""Runs with several inputs and outputs, and preparation inside the saved model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import iris, load, method, request, train

from dlspec.components.layers.lookup import StringLookup
from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.training import metrics
from dlspec.components.training.counting_metrics import AUC
from dlspec.components.training.losses import BinaryCrossentropy, MeanSquaredError
from dlspec.components.training.optimizers import Adam
from dlspec.data.binding.signature import of_model
from dlspec.data.binding.values import raw_values
from dlspec.data.feeding.pipeline import prepare
from dlspec.data.sources.csv import Csv
from dlspec.data.sources.image_folder import ImageFolder
from dlspec.training.loop.preparation import with_preparation
from dlspec.training.run.report import Report

pytestmark = pytest.mark.slow
START = Path(__file__).resolve().parent.parent.parent / "specs" / "start"


def listing() -> tuple[Data, Supervised]:
    inputs = {
        "tabular": Feature(columns=("rooms", "area", "age"), prepare=(Normalization(),)),
        "city": Feature(column="city", prepare=(StringLookup(),)),
    }
    targets = {"price": Target(column="price"), "sold": Target(column="sold")}
    split = Split(validation=0.2, test=0.2)
    data = Data(source=Csv(path="listing.csv"), inputs=inputs, targets=targets, split=split, batch_size=20)
    how = Supervised(
        loss={"price": MeanSquaredError(), "sold": BinaryCrossentropy()},
        loss_weights={"price": 0.001},
        metrics={"price": (metrics.MeanAbsoluteError(),), "sold": (AUC(),)},
        optimizer=Adam(learning_rate=0.05),
        epochs=15,
    )
    return data, how


def two_headed(as_dict: bool = True) -> Any:
    import keras

    tabular = keras.Input((3,), name="tabular")
    city = keras.Input((1,), dtype="int64", name="city")
    place = keras.layers.Flatten()(keras.layers.Embedding(8, 4)(city))
    trunk = keras.layers.Dense(16, activation="relu")(keras.layers.Concatenate()([tabular, place]))
    price = keras.layers.Dense(1, name="price")(trunk)
    sold = keras.layers.Dense(1, activation="sigmoid", name="sold")(trunk)
    return keras.Model([tabular, city], {"price": price, "sold": sold} if as_dict else [price, sold])


def run_listing(folder: Path, how: Supervised | None = None, *, as_dict: bool = True) -> Report:
    from dlspec.training.train import run

    data, default = listing()
    build = lambda: two_headed(as_dict)  # noqa: E731
    return run(request(build, data, how or default, START, "listing"), folder)


def test_measures_are_named_after_outputs_and_learn(tmp_path: Path) -> None:
    report = run_listing(tmp_path)
    names = {"loss", "price_loss", "sold_loss", "price_mean_absolute_error", "sold_auc"}
    assert set(report.metrics["test"]) == names
    prices = np.array([float(line.split(",")[4]) for line in (START / "listing.csv").read_text().splitlines()[1:]])
    baseline = np.abs(prices - prices.mean()).mean()
    assert report.metrics["test"]["price_mean_absolute_error"] < 0.6 * baseline
    assert report.metrics["test"]["sold_auc"] > 0.7
    total = 0.001 * report.metrics["test"]["price_loss"] + report.metrics["test"]["sold_loss"]
    assert report.metrics["test"]["loss"] == pytest.approx(total, rel=1e-4)


def test_list_outputs_train_the_same(tmp_path: Path) -> None:
    assert run_listing(tmp_path).metrics == run_listing(tmp_path, as_dict=False).metrics


def test_an_output_without_loss_is_left_out(tmp_path: Path) -> None:
    data, _ = listing()
    from dlspec.training.train import run

    data.targets.pop("price")
    how = Supervised(loss={"sold": BinaryCrossentropy()}, metrics={"sold": (AUC(),)}, epochs=2)
    report = run(request(two_headed, data, how, START, "listing"), tmp_path)
    assert set(report.metrics["test"]) == {"loss", "auc"}


def test_the_saved_model_takes_raw_values(tmp_path: Path) -> None:
    report = run_listing(tmp_path)
    saved = load(report.folder / "model.keras")
    assert {tensor.name: tensor.dtype for tensor in saved.inputs} == {"tabular": "float32", "city": "string"}
    data, how = listing()
    core = two_headed()
    prepared = prepare(data, START, of_model(core), how)
    arrays = prepared.binding.table.read(prepared.binding.columns)
    raw = {one.name: raw_values(one, arrays)[prepared.parts.test] for one in prepared.binding.inputs}
    import tensorflow as tf

    raw["city"] = tf.constant(raw["city"].tolist())
    core.set_weights(saved.get_weights()[-len(core.get_weights()) :])
    assert prepared.test is not None
    expected = core.predict((prepared.test.inputs["tabular"], prepared.test.inputs["city"]), verbose=0)
    for found in (saved.predict(raw, verbose=0), with_preparation(core, prepared).predict(raw, verbose=0)):
        for name in ("price", "sold"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-5)


def test_adapting_layers_of_the_model_itself_are_fitted_on_training_data(tmp_path: Path) -> None:
    def build() -> Any:
        import keras

        x = keras.Input((4,), name="measures")
        normal = keras.layers.Normalization(name="scaler")(keras.layers.Rescaling(10.0)(x))
        return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(normal))

    report = train(tmp_path, build=build)
    data = iris()
    values = prepare(data, tmp_path, of_model(build()), method()).train.inputs["measures"]
    scaler = load(report.folder / "model.keras").get_layer("scaler")
    np.testing.assert_allclose(np.ravel(scaler.mean), 10 * values.mean(axis=0), rtol=1e-4)


def test_images_train_from_bytes(tmp_path: Path) -> None:
    """Dark and bright pictures: bytes become the model's floats in the batch."""
    from PIL import Image

    random = np.random.default_rng(0)
    for name, low in (("bright", 150), ("dark", 0)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(low, low + 100, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{number}.png")

    def build() -> Any:
        import keras

        x = keras.Input((6, 6, 3), name="image")
        hidden = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255, offset=-0.5)(x))
        return keras.Model(x, keras.layers.Dense(1, activation="sigmoid", name="shade")(hidden))

    data = Data(
        source=ImageFolder(path="shades"),
        targets={"shade": Target(column="label")},
        split=Split(test=0.25),
        batch_size=8,
    )
    how = method(loss=BinaryCrossentropy(), epochs=8)
    report = train(tmp_path, data, how, build)
    assert report.metrics["test"]["accuracy"] == 1.0
    assert report.facts["data"]["targets"]["shade"]["classes"] == ["bright", "dark"]
