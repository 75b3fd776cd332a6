"""`missing: ignore` of a target: rows without a label enter, and count in no figure of that target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.cli.main import run
from tests.support import compile_text, rows_of

ROWS = 120
TARGET = "targets: {kind: {column: kind, missing: ignore}}"
SPEC = f"""\
name: few
inputs: {{x: [3]}}
layers:
  - dense: {{units: 6, activation: tanh, name: code}}
  - dense: {{from: code, units: 3, name: back}}
  - losses.mse: {{from: [x, back], name: error}}
  - dense: {{from: code, units: 3, activation: softmax, name: kind}}
outputs: [kind, back]
data:
  source: {{csv: few.csv}}
  inputs: {{x: {{columns: [a, b, c]}}}}
  {TARGET}
  split: {{validation: 0.25, test: 0.25, by: stratified}}
  batch_size: 16
train:
  loss: {{kind: {{sparse_categorical_crossentropy: {{ignore_class: -1}}}}}}
  metrics: {{kind: [accuracy, sparse_categorical_crossentropy]}}
  minimize: error
  epochs: 2
"""


@pytest.fixture(scope="module")
def values() -> Any:
    """Three numbers of each row, and a class for a third of them: [ROWS, 3] and [ROWS], -1 without."""
    random = np.random.default_rng(0)
    kinds = np.where(np.arange(ROWS) % 3 == 0, random.integers(0, 3, ROWS), -1)
    return random.normal(size=(ROWS, 3)).round(3), kinds


@pytest.fixture
def folder(values: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [
        ",".join([*map(str, numbers), "" if kind < 0 else "uvw"[kind]]) for numbers, kind in zip(*values, strict=True)
    ]
    (tmp_path / "few.csv").write_text("\n".join(["a,b,c,kind", *lines, ""]))
    (tmp_path / "few.yaml").write_text(SPEC)
    return tmp_path


def wanted(values: Any, rows: Any, model: Any) -> dict[str, float]:
    """The figures of some rows, by NumPy."""
    numbers, kinds = values[0][rows].astype("float32"), values[1][rows]
    answers = model.predict(numbers, verbose=0)
    known = kinds >= 0
    shares = answers["kind"][known]
    return {
        "kind_loss": float(-np.log(shares[np.arange(len(shares)), kinds[known]]).mean()),
        "kind_accuracy": float((shares.argmax(axis=1) == kinds[known]).mean()),
        "error": float(((answers["back"] - numbers) ** 2).mean()),
    }


def test_figures(folder: Path, values: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """In the report and in `evaluate`: the loss and accuracy of labelled rows, and the error of all."""
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    assert run(["train", "few.yaml"]) == 0
    found = find_run("few", folder / "runs")
    report = json.loads((found.path / "report.json").read_text(encoding="utf-8"))
    assert report["data"]["examples"] == {"train": 60, "validation": 30, "test": 30}
    rows, model = rows_of(folder / "few.yaml"), open_run(found).model
    for part in ("train", "validation", "test"):
        figures = report["metrics"][part]
        expected = wanted(values, getattr(rows, part), model)
        assert {name: figures[name] for name in expected} == pytest.approx(expected, rel=1e-5)
        assert figures["kind_sparse_categorical_crossentropy"] == pytest.approx(figures["kind_loss"], rel=1e-5)
    capsys.readouterr()
    assert run(["evaluate", "few", "--data", "few.csv", "--format", "json"]) == 0
    figures = json.loads(capsys.readouterr().out)["metrics"]
    expected = wanted(values, np.arange(ROWS), model)
    (figures,) = figures.values()
    assert {name: figures[name] for name in expected} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        (("{ignore_class: -1}", "{ignore_class: -2}"), "E503", "`missing: ignore` of target `kind` needs a loss"),
        (("{ignore_class: -1}", "{}"), "E503", "`missing: ignore` of target `kind` needs a loss that leaves"),
        (("  batch_size: 16", "  oversample: true"), "E616", "`oversample` repeats rare classes, and of some"),
    ],
)
def test_what_does_not_go_together(folder: Path, changes: tuple[str, str], code: str, message: str) -> None:
    (problem,) = compile_text(folder, SPEC.replace(*changes)).diagnostics.errors
    assert problem.code == code and problem.message.startswith(message)
