"""``python tune.py`` of a generated project searches as ``dlspec tune`` does: the same trials, the same scores."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruff.__main__ import find_ruff_bin

from dlspec.export.python.formatting import formatted
from tests.emit.projects import emitted
from tests.emit.tuned import SEARCHES, write

# In one process, since all searches run in the fixture.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tune.py")]

# Every project in turn, in one process that has no dlspec.
_THEIRS = """
import os, runpy, sys

sys.modules["dlspec"] = None
for folder in sys.argv[1:]:
    os.chdir(folder)
    for module in ("model", "data", "train"):
        sys.modules.pop(module, None)
    sys.path[0], sys.argv = folder, ["tune.py"]
    print(f"=== {os.path.basename(folder)}")
    runpy.run_path("tune.py", run_name="__main__")
"""
# Every spec in turn, in one process.
_OURS = """
import sys
from dlspec.cli.main import run

for folder in sys.argv[1:]:
    assert run(["tune", f"{folder}.yaml", "--search", folder, "-o", f"{folder}.best.yaml", "-q"]) == 0, folder
"""


class Trial(NamedTuple):
    values: dict[str, Any]
    status: str
    score: float | None


class Results(NamedTuple):
    """The folder of all projects, and what ``tune.py`` of each printed."""

    folder: Path
    printed: dict[str, str]


def searched(source: str, folder: Path, places: list[Path]) -> str:
    """Runs one of the programs above on some places, and returns what it prints."""
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", source, *map(str, places)]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Every project, written and run."""
    folder = tmp_path_factory.mktemp("searches")
    for name in SEARCHES:
        emitted(write(name, folder), folder / "projects" / name)
    searched(_OURS, folder, [folder / name for name in SEARCHES])
    output = searched(_THEIRS, folder, [folder / "projects" / name for name in SEARCHES])
    printed = {part.partition("\n")[0]: part for part in output.split("=== ")[1:]}
    return Results(folder, printed)


def theirs(results: Results, name: str) -> list[Trial]:
    """The trials that Keras Tuner wrote down."""
    files = sorted((results.folder / "projects" / name / "output" / "search").glob("trial_*/trial.json"))
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [Trial(one["hyperparameters"]["values"], one["status"].lower(), one["score"]) for one in found]


def ours(results: Results, name: str) -> list[Trial]:
    """The trials of ``dlspec tune``."""
    facts = json.loads((results.folder / name / "search.json").read_text(encoding="utf-8"))
    return [Trial(one["values"], one["status"], one["score"]) for one in facts["trials"]]


@pytest.mark.parametrize("name", SEARCHES)
def test_the_same_trials(name: str, results: Results) -> None:
    found, expected = theirs(results, name), ours(results, name)
    own = [{word: value for word, value in one.values.items() if not word.startswith("tuner/")} for one in found]
    assert own == [one.values for one in expected]
    pruned = {"pruned": "failed"}
    assert [one.status for one in found] == [pruned.get(one.status, one.status) for one in expected]
    for one, other in zip(found, expected, strict=True):
        if other.score is not None:
            assert one.score == pytest.approx(other.score, abs=1e-5), one


@pytest.mark.parametrize("name", ["everywhere", "words"])
def test_the_last_line_trains_with_the_best_values(name: str, results: Results) -> None:
    line = results.printed[name].strip().splitlines()[-1]
    folder = results.folder / "projects" / name
    done = subprocess.run(
        [sys.executable, *shlex.split(line)[1:]], cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (folder / "output" / "model.keras").is_file()
    best = max((one for one in theirs(results, name) if one.score is not None), key=lambda one: one.score or 0.0)
    if name == "everywhere":
        measured = (folder / "output" / "history.csv").read_text(encoding="utf-8").splitlines()
        place = measured[0].split(",").index("val_accuracy")
        assert max(float(row.split(",")[place]) for row in measured[1:]) == pytest.approx(best.score, abs=1e-5)


def test_linters_have_nothing_to_say(results: Results) -> None:
    folder = results.folder / "projects"
    for name in SEARCHES:
        for command in (
            [find_ruff_bin(), "check", "--isolated", "--no-cache", "."],
            [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--cache-dir", str(folder / "cache"), "."],
        ):
            done = subprocess.run(command, cwd=folder / name, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout
    for file in folder.glob("*/*.py"):
        text = file.read_text(encoding="utf-8")
        assert text == formatted(text), file


def test_losers_keep_no_weights(results: Results) -> None:
    assert not list((results.folder / "projects").glob("*/output/search/**/*.h5"))
