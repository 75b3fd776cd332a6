"""Tests of one group stay in one worker: fixtures of a module are made once, and large models one after another."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_GROUPED = """
import time
import pytest

pytestmark = pytest.mark.xdist_group("one")


@pytest.mark.parametrize("number", range(8))
def test_number(number):
    time.sleep(0.2)
"""


@pytest.mark.slow
def test_a_group_has_one_worker(tmp_path: Path) -> None:
    """With pytest 9.2.0 and pytest-xdist 3.8.0 it has not; see findings/pytest-xdist-does-not-group.sh."""
    (tmp_path / "test_grouped.py").write_text(_GROUPED)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert len(set(re.findall(r"^\[(gw\d)\]", done.stdout, re.MULTILINE))) == 1
