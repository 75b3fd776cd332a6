"""Layout of generated Python: ruff's, with the settings it has where nobody gives any."""

from __future__ import annotations

import subprocess
from pathlib import Path


def formatted(source: str, name: str = "model.py") -> str:
    """The text as ``ruff format`` writes it.

    Args:
        source: A module that parses.
        name: The file that it will be, for ruff's messages.
    """
    from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

    command = [find_ruff_bin(), "format", "--isolated", "--no-cache", "--stdin-filename", Path(name).name, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True, encoding="utf-8")
    return done.stdout
