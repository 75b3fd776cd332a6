"""Targets that are prepared: fitted on the training split alone, undone by what the saved model ends in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import write

from dlspec.components.layers.powers import Log1p
from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Data, Feature, Split, Target
from dlspec.components.training.losses import MeanSquaredError
from dlspec.core.ir import Tensor
from dlspec.data.binding.signature import Signature
from dlspec.data.feeding.pipeline import prepare
from dlspec.data.sources.csv import Csv


@pytest.mark.parametrize("cache", ["memory", "none"])
def test_they_are_fitted_on_the_training_split(cache: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    prices = np.round(np.exp(random.normal(9, 1, 90)), 2)
    prices[3] = 1e7
    rows = "".join(f"{number},{price},{price / 7 - 300}\n" for number, price in enumerate(prices))
    write(tmp_path, "a.csv", "x,price,rent\n" + rows)
    layers: dict[str, Any] = {"prepare": (Log1p(), Normalization())}
    data = Data(
        source=Csv(path="a.csv"),
        inputs={"x": Feature(column="x")},
        targets={"price": Target(column="price", **layers), "rent": Target(column="rent")},
        split=Split(validation=0.2, test=0.2),
        cache=cache,
    )
    outputs = {"price": Tensor((1,)), "rent": Tensor((1,))}
    found = prepare(data, tmp_path, Signature({"x": Tensor((1,))}, outputs), Supervised(loss=MeanSquaredError()))
    known = np.log1p(prices[found.parts.train])
    wanted = (np.log1p(prices)[:, None] - known.mean()) / known.std()
    assert set(found.units) == {"price"}
    units, values = found.units["price"], prices.astype("float32")[:, None]
    np.testing.assert_allclose(units.prepare(values), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(units.undo(wanted.astype("float32")), values, rtol=1e-5)
    if cache == "memory":  # what the report compares is in the units of the data
        np.testing.assert_array_equal(found.train.targets["price"], values[found.parts.train])
