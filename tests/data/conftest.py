"""A folder with one small CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import HOUSES, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds ``houses.csv``."""
    write(tmp_path, "houses.csv", HOUSES)
    return tmp_path
