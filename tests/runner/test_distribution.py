"""`train: {distribute: mirrored}`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import run_tests_apart

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("chosen", ["not exhaustive", pytest.param("exhaustive", marks=pytest.mark.exhaustive)])
def test_on_two_devices(chosen: str) -> None:
    """TensorFlow divides the CPU only before it starts: the tests stand in files of their own."""
    run_tests_apart(Path(__file__).parent, "steps_on_two_devices.py", "runs_on_two_devices.py", chosen=chosen)
