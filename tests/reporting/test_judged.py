"""Every figure of random runs against numpy and scikit-learn: see :mod:`cases` and :mod:`judged`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cases
import judged
import pytest

from tests.support import ROOT


# Between them: a class, yes or no, tags and numbers, of examples, steps and pixels, with masks and weights of classes.
@pytest.mark.slow
@pytest.mark.parametrize("seed", [26, 36, 41, 56])
def test_every_figure_is_what_numpy_says(seed: int, tmp_path: Path) -> None:
    assert judged.disagreements(cases.case(seed), tmp_path) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_every_figure_of_many_runs_is_what_numpy_says(seed: int, tmp_path: Path) -> None:
    assert judged.disagreements(cases.case(seed), tmp_path) == []


@pytest.mark.exhaustive
def test_every_figure_of_two_devices_is_what_numpy_says() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "on_two_devices.py"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
