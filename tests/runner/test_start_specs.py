"""The examples in specs/start train from their files and beat a trivial answer by a stated margin."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlspec.cli.main import run
from tests.support import ROOT, as_documented

pytestmark = pytest.mark.slow

# Spec, measure on the test split, what a trivial answer reaches (the comment in the spec says which), and what this
# must reach: well above it, and well below what was seen when the spec was written (last number).
CASES = [
    ("listing", "sold_auc", 0.50, 0.75, 0.85),  # any order
    ("zones", "accuracy", 0.38, 0.85, 0.97),  # the most frequent region
    ("digit_images", "accuracy", 0.10, 0.85, 0.99),  # any digit
    ("topics", "accuracy", 0.38, 0.70, 0.86),  # the most frequent topic
    ("waves", "accuracy", 0.33, 0.85, 1.00),  # any wave form
    ("masks", "mean_io_u", 0.45, 0.75, 0.86),  # all background
]
# The same for errors, where less is better.
ERRORS = [
    ("diabetes", "mae", 66.0, 55.0, 47.1),  # the mean of the training split
    ("co2", "mae", 2.8, 0.8, 0.40),  # the last month
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def measured(name: str, measure: str, runs: Path) -> float:
    """Trains, and returns the measure on the test split."""
    assert run(["train", str(ROOT / f"specs/start/{name}.yaml"), "--runs", str(runs), "--quiet"]) == 0
    [folder] = (runs / name).iterdir()
    facts = as_documented("report", (folder / "report.json").read_text(encoding="utf-8"))
    assert len(facts["data"]["fingerprint"]) == 64
    return float(facts["metrics"]["test"][measure])


@pytest.mark.parametrize(("name", "measure", "trivial", "least", "seen"), CASES, ids=[case[0] for case in CASES])
def test_better_than_a_trivial_answer(
    name: str, measure: str, trivial: float, least: float, seen: float, runs: Path
) -> None:
    assert trivial < least < seen
    assert measured(name, measure, runs) >= least


@pytest.mark.parametrize(("name", "measure", "trivial", "most", "seen"), ERRORS, ids=[case[0] for case in ERRORS])
def test_less_wrong_than_a_trivial_answer(
    name: str, measure: str, trivial: float, most: float, seen: float, runs: Path
) -> None:
    assert trivial > most > seen
    assert measured(name, measure, runs) <= most
