"""Linear models of `specs/linear`: they train to what scikit-learn's own of the kind reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlspec.cli.main import run
from dlspec.views.pages.index import find_run
from tests.support import ROOT


@pytest.mark.slow
def test_a_support_vector_machine_of_many_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """scikit-learn's `LinearSVC` has an accuracy of 0.95 on a split of this size; scores that do not move, 0.1."""
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(ROOT / "specs" / "linear" / "weston_watkins.yaml")]) == 0
    report = json.loads((find_run("weston_watkins", Path("runs")).path / "report.json").read_text())
    assert report["results"]["outputs"]["scores"]["accuracy"] > 0.93
