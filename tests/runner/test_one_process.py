"""Trainings in one process, as searches run them, measure bit by bit the same, whatever ran before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.slow

# Sounds that are changed at random, images in another precision, texts.
RUNS = {
    "waves": (),
    "digits": ("train.precision=mixed_bfloat16",),
    "topics": (),
}
PROGRAM = """
import json, sys
from pathlib import Path
from dlspec.tuning.workers.trial import Task, run
runs, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
found = {}
for name, overrides in runs:
    task = Task(Path(f"specs/start/{name}.yaml"), tuple(overrides), {}, folder / name, "loss", True, 2)
    result = run(task)
    assert result.status == "completed", result.reason
    found[name] = result.history
print(json.dumps(found))
"""


def trained(names: list[str], folder: Path) -> dict[str, list[dict[str, float]]]:
    """The measures of each epoch, by name of the spec, trained one after another in one process."""
    folder.mkdir()
    runs = json.dumps([(name, RUNS[name]) for name in names])
    command = [sys.executable, "-c", PROGRAM, runs, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    histories: dict[str, list[dict[str, float]]] = json.loads(done.stdout.splitlines()[-1])
    return {
        name: [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in history]
        for name, history in histories.items()
    }


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    # Each is the first of its process once, or comes after others than in the other process.
    first, last = (trained(names, tmp_path / names[0]) for names in (list(RUNS), list(reversed(RUNS))))
    assert first == last
