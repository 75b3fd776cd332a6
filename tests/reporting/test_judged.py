"""Every figure of random runs against numpy and scikit-learn: see :mod:`cases` and :mod:`judged`."""

from __future__ import annotations

from pathlib import Path

import cases
import judged
import pytest

from tests.support import run_tests_apart


# Between them: a class, yes or no, tags and numbers, of examples, steps and pixels, with masks and weights of classes,
# and targets that the loss compares in other units than those of the data.
@pytest.mark.slow
@pytest.mark.parametrize("seed", [15, 26, 36, 38, 41, 56, 281])
def test_every_figure_is_what_numpy_says(seed: int, tmp_path: Path) -> None:
    assert judged.disagreements(cases.case(seed), tmp_path) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_every_figure_of_many_runs_is_what_numpy_says(seed: int, tmp_path: Path) -> None:
    assert judged.disagreements(cases.case(seed), tmp_path) == []


@pytest.mark.exhaustive
def test_every_figure_of_two_devices_is_what_numpy_says() -> None:
    run_tests_apart(Path(__file__).parent, "on_two_devices.py")
