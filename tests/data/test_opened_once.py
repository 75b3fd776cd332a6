"""A source that is asked for inputs and held against the model is read once, and nothing is loaded in vain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlspec.data.sources.csv import Csv
from dlspec.passes import compile_spec

ROOT = Path(__file__).parents[2]
SPEC = "layers: [dense: 1]\ndata: {source: {csv: a.csv}, %stargets: {y: y}}\ntrain: {loss: mse}\n"


def readings(folder: Path, more: str) -> int:
    """How often the source of a spec is opened in a check."""
    (folder / "a.csv").write_text("a,b,y\n" + "".join(f"{row},{row % 3},{row % 5}\n" for row in range(9)))
    (folder / "spec.yaml").write_text(SPEC % more)
    count = 0

    def called(frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code is Csv.open.__code__

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        state = compile_spec(folder / "spec.yaml")
    finally:
        sys.setprofile(before)
    assert state.graph is not None and not state.diagnostics.errors and state.opened is None
    return count


@pytest.mark.parametrize("more", ["", "inputs: {x: {columns: [a, b]}}, "])
def test_read_once(tmp_path: Path, more: str) -> None:
    assert readings(tmp_path, more) == 1


def test_broken_rows_are_left_out_anew(tmp_path: Path) -> None:
    assert readings(tmp_path, "bad: skip, ") == 2


def test_data_that_are_known_need_no_arrays() -> None:
    look = "import sys; from dlspec.cli.main import run; run(sys.argv[1:]); sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look, "check", "specs/start/digits.yaml"], cwd=ROOT, check=False)
    assert done.returncode == 0
