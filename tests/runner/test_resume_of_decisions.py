"""A run with weights, a chosen threshold and calibration that was interrupted ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running import train
from test_resume import SPEC, Press, stateful

from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.sections.data import Data, Feature, Split, Stratified, Target
from dlspec.components.training.decisions import F1
from dlspec.components.training.losses import BinaryCrossentropy
from dlspec.data.sources.sklearn import Sklearn
from dlspec.training.loop.signals import Interrupted
from dlspec.training.run.report import Report
from dlspec.training.run.resume import find
from tests.crash.results import different, results

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


def _model() -> Any:
    import keras

    x = keras.Input((2,), name="measures")
    hidden = keras.layers.Dropout(0.2)(keras.layers.Dense(8, activation="relu")(x))
    return keras.Model(x, keras.layers.Dense(1, activation="sigmoid", name="benign")(hidden), name="small")


def _trained(folder: Path, press: Press) -> Report:
    data = Data(
        source=Sklearn(set="breast_cancer"),
        inputs={"measures": Feature(columns=("mean_texture", "mean_smoothness"), prepare=(Normalization(),))},
        targets={"benign": Target(column="target")},
        weight="mean_radius",
        split=Split(validation=0.2, test=0.2, by=Stratified()),
        batch_size=64,
    )
    how = stateful(press, epochs=4, loss=BinaryCrossentropy(), threshold=F1(), calibration="temperature")
    place = find(folder / "runs", "small", SPEC, run=None, new=False, force=False)
    return train(folder, data, how, _model, place=place)


def test_an_interrupted_run_decides_as_a_whole_one(tmp_path: Path) -> None:
    whole, press = _trained(tmp_path / "whole", Press(epoch=-1)), Press(epoch=2, step=3)
    with pytest.raises(Interrupted):
        _trained(tmp_path, press)
    assert different(results(whole.folder), results(_trained(tmp_path, press).folder)) == []
