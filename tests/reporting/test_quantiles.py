"""Outputs of quantiles: their loss, the coverage in the report, and `predict`, against numpy on the model's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import sample_runs
from sklearn import metrics
from sklearn.datasets import load_diabetes

SHARES = (0.1, 0.5, 0.9)
SPEC = """
name: quantiles
layers: [{dense: {units: 8, activation: relu}}, {dense: {units: 3, name: progression}}]
data:
  source: {sklearn: diabetes}
  inputs: {measures: {columns: [bmi, bp, s5], prepare: [normalization]}}
  targets: {progression: {column: target, prepare: [%s]}}
  split: {validation: 0.2, test: 0.3}
train: {loss: {quantile: [0.1, 0.5, 0.9]}, metrics: [mae, r2_score], epochs: 5, optimizer: {adam: 0.05}}
"""


def _pinball(true: Any, given: Any) -> float:
    return float(np.mean([metrics.mean_pinball_loss(true, given[:, n], alpha=share) for n, share in enumerate(SHARES)]))


def _write(path: Path, head: str, rows: Any) -> None:
    lines = (",".join(map(repr, row)) for row in rows.tolist())
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("prepare", ["rescaling: 0.01", "log1p, normalization"])
def test_every_figure_is_what_numpy_says(prepare: str, tmp_path: Path) -> None:
    from dlspec.training.evaluate import evaluate
    from dlspec.training.predict import predict
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    report = sample_runs.train(tmp_path, SPEC % prepare)
    keras.backend.clear_session()
    facts = json.loads((report.folder / "report.json").read_text(encoding="utf-8"))
    saved = open_run(Run(report.folder), allow_outside=True)
    data = load_diabetes()
    inputs, true = data["data"][:, [2, 3, 8]], data["target"].astype(np.float64)
    given = np.asarray(saved.model(inputs.astype("float32")), np.float64)
    _write(tmp_path / "new.csv", "bmi,bp,s5", inputs)
    _write(tmp_path / "all.csv", "bmi,bp,s5,target", np.column_stack([inputs, true]))
    rows = [row for piece in predict(saved, tmp_path / "new.csv") for row in piece.objects()]
    np.testing.assert_allclose([row["progression"] for row in rows], given[:, 1], rtol=1e-6)
    shown = [[row["progression quantiles"][f"{share:g}"] for share in SHARES] for row in rows]
    np.testing.assert_allclose(shown, given, rtol=1e-6)
    again = evaluate(saved, tmp_path / "all.csv")
    measured, found = again["metrics"]["all.csv"], again["outputs"]["all.csv"]["progression"]
    scale = {"rescaling: 0.01": lambda values: values * 0.01}.get(prepare)
    if scale is not None:
        assert measured["loss"] == pytest.approx(_pinball(scale(true), scale(given)), rel=1e-5)
    assert measured["mae"] == pytest.approx(metrics.mean_absolute_error(true, given[:, 1]), rel=1e-6)
    assert found["r2"] == pytest.approx(metrics.r2_score(true, given[:, 1]), rel=1e-6)
    spread = found["spread"]
    np.testing.assert_allclose([one["below"] for one in spread["quantiles"]], (true[:, None] <= given).mean(axis=0))
    assert np.mean([one["pinball"] for one in spread["quantiles"]]) == pytest.approx(_pinball(true, given), rel=1e-6)
    assert spread["covered"] == pytest.approx(((given[:, 0] <= true) & (true <= given[:, 2])).mean())
    assert spread["width"] == pytest.approx((given[:, 2] - given[:, 0]).mean(), rel=1e-6)
    assert spread["crossing"] == (np.diff(given, axis=1) < 0).any(axis=1).mean()
    sentence = facts["results"]["verdicts"][0]["sentence"]
    assert "of the targets lie between the outermost quantiles, which shall hold 80.0 %" in sentence
