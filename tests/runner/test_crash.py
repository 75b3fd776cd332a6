"""A small share of ``make crash``: a disk that fails at every operation of a save, and files that rot."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlspec.training.run.checkpoint import Checkpoint, Checkpoints, read
from tests.crash.cases import CASES
from tests.crash.failing import example, fail_every_operation, rot
from tests.support import ROOT


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_the_checkpoint_before_survives_whatever_fails(tmp_path: Path, number: int) -> None:
    assert fail_every_operation(tmp_path, number) > 10


def test_nothing_rotten_is_loaded(tmp_path: Path) -> None:
    assert rot(tmp_path, 100, seed=3) == 0


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    arrays = {
        "scalar": np.array(3, np.int64),
        "empty": np.zeros((0, 2), np.float32),
        "seeds": np.arange(4, dtype=np.uint32),
        "half": np.ones((2, 3), np.float16),
        "yes": np.array([True, False]),
    }
    path = Checkpoints(tmp_path).save(Checkpoint(arrays, {"loss": [0.1, float("inf")]}))
    found = read(path)
    assert found.facts == {"loss": [0.1, float("inf")]}
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype and found.arrays[name].tobytes() == array.tobytes()
        assert found.arrays[name].shape == array.shape


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for number in range(5):
        checkpoints.save(example(number))
    assert [path.name for path in sorted(checkpoints.path.iterdir())] == ["00000004.checkpoint", "00000005.checkpoint"]
    Checkpoints(tmp_path).save(example(5))
    assert Checkpoints(tmp_path).load()[0].facts["course"]["epoch"] == 5  # type: ignore[union-attr]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "count", [pytest.param(1, marks=pytest.mark.slow), pytest.param(20, marks=pytest.mark.exhaustive)]
)
def test_learners_averages_and_sources_go_on_as_if_nothing_had_happened(name: str, count: int, tmp_path: Path) -> None:
    """Stopped by two signals and killed at random moments."""
    spec, settings = CASES[name]
    options = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "tests.crash.kills", str(spec), str(tmp_path), str(count), "1", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0 and done.stdout.count("identical") == count + 2, done.stdout + done.stderr
