"""What is compared side by side in `specs/optimization`: each search, shortened, shows what its page says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dlspec.cli.main import run
from dlspec.views.pages.index import find_run
from tests.support import ROOT, dlspec

pytestmark = pytest.mark.slow
FOLDER = ROOT / "specs" / "optimization"


def scores(name: str, folder: Path, *settings: str) -> dict[str, float]:
    """What each kind reached in a search; the spec with the best one is written beside a copy of the spec."""
    spec = Path(shutil.copy(FOLDER / f"{name}.yaml", folder))
    given = [word for setting in settings for word in ("--set", setting)]
    done = dlspec("tune", str(spec), "-q", "--search", str(folder / "search"), *given)
    assert done.returncode == 0, done.stderr
    assert run(["check", str(folder / f"{name}.best.yaml")]) == 0
    search = json.loads((folder / "search" / "search.json").read_text())
    return {trial["values"]["kind"]: trial["score"] for trial in search["trials"]}


def test_optimizers(tmp_path: Path) -> None:
    """After a few epochs each of them is ahead of plain descent, but for a momentum that is the mean of gradients."""
    reached = scores("optimizers", tmp_path, "train.epochs=4")
    plain, mean = reached.pop("plain"), reached.pop("momentum_as_mean")
    assert len(reached) == 5 and min(reached.values()) > plain > mean - 0.05


def test_schedules(tmp_path: Path) -> None:
    assert min(scores("schedules", tmp_path, "train.epochs=4").values()) > 0.85


def test_initializers(tmp_path: Path) -> None:
    """Six layers learn nothing from zeros or from hardly more; a tenth of the digits is of each kind."""
    reached = scores("initializers", tmp_path, "train.epochs=4")
    assert max(reached["zeros"], reached["small"]) < 0.2 and reached["large"] < 0.6
    assert min(reached[kind] for kind in ("glorot", "he", "lecun", "orthogonal")) > 0.75


def test_clipping(tmp_path: Path) -> None:
    reached = scores("clipping", tmp_path, "train.epochs=4")
    assert min(reached[kind] for kind in ("by_value", "by_norm", "by_global_norm")) > reached["none"] + 0.1


def test_normalization(tmp_path: Path) -> None:
    reached = scores("normalization", tmp_path, "train.epochs=5")
    assert min(reached[kind] for kind in ("layer", "group", "instance")) > reached["none"] + 0.05


def test_dropout(tmp_path: Path) -> None:
    """The smallest losses of validation: a network that learns nothing has 2.3."""
    reached = scores("dropout", tmp_path, "train.epochs=25")
    assert len(reached) == 5 and max(reached.values()) < 0.5


def test_penalties(tmp_path: Path) -> None:
    """The share of the spread of held-out values that is explained; the mean explains 0."""
    reached = scores("penalties", tmp_path, "train.epochs=12")
    assert len(reached) == 6 and min(reached.values()) > 0.45


def test_a_learning_rate_by_performance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(FOLDER / "plateau.yaml"), "-q"]) == 0
    path = find_run("plateau", Path("runs")).path
    report = json.loads((path / "report.json").read_text())
    assert report["metrics"]["test"]["accuracy"] > 0.94
    rows = (path / "metrics.csv").read_text().splitlines()
    assert len(rows) - 1 < 60  # it ended early
