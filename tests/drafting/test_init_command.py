"""`dlspec init DATA` on the command line, and the three commands from a file to answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support import ROOT, dlspec


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A folder with a real table: patients, of whom some values are missing."""
    shutil.copy(ROOT / "specs/start/diabetes.csv", tmp_path)
    return tmp_path


def test_without_a_target_the_candidates_are_listed(table: Path) -> None:
    done = dlspec("init", "diabetes.csv", cwd=table)
    assert done.returncode == 2 and "name what to predict: --target COLUMN" in done.stderr
    assert "  progress: a number from 25 to 346" in done.stderr.splitlines()
    assert not (table / "diabetes.yaml").exists()


def test_a_wrong_target_is_a_diagnostic(table: Path) -> None:
    done = dlspec("init", "diabetes.csv", "--target", "progres", cwd=table)
    assert done.returncode == 1 and "error[E602]" in done.stderr and "did you mean `progress`?" in done.stderr


def test_nothing_is_overwritten(table: Path) -> None:
    (table / "diabetes.yaml").write_text("mine")
    done = dlspec("init", "diabetes.csv", "--target", "progress", cwd=table)
    assert done.returncode == 2 and (table / "diabetes.yaml").read_text() == "mine"
    done = dlspec("init", "diabetes.csv", "--target", "progress", "--output", "diabetes.csv", "--force", cwd=table)
    assert done.returncode == 2 and (table / "diabetes.csv").read_text().startswith("age,")


def test_data_elsewhere_need_a_spec_beside_them(table: Path) -> None:
    (table / "work").mkdir()
    done = dlspec("init", "../diabetes.csv", "--target", "progress", cwd=table / "work")
    assert done.returncode == 2 and "--output ../diabetes.yaml" in " ".join(done.stderr.split())
    done = dlspec("init", "../diabetes.csv", "--target", "progress", "--output", "../diabetes.yaml", cwd=table / "work")
    assert done.returncode == 0 and dlspec("check", "diabetes.yaml", cwd=table).returncode == 0


def test_an_example_takes_no_target(table: Path) -> None:
    assert dlspec("init", "first.yaml", "--target", "x", cwd=table).returncode == 2


@pytest.mark.slow
def test_three_commands_from_a_file_to_answers(table: Path) -> None:
    for command in (
        ("init", "diabetes.csv", "--target", "progress"),
        ("train", "diabetes.yaml", "--quiet"),
    ):
        done = dlspec(*command, cwd=table)
        assert done.returncode == 0, done.stderr
    # Columns in another order, an empty cell, a word that training has not seen.
    (table / "new.csv").write_text(
        "sex,bmi,age,bp,tc,ldl,hdl,tch,ltg,glu\nmale,,59,101,157,93.2,38,4,4.86,87\nother,22,48,87,183,103,70,3,3.89,69\n"
    )
    done = dlspec("predict", "diabetes", "new.csv", cwd=table)
    assert done.returncode == 0, done.stderr
    answers = [float(line.split(",")[-1]) for line in done.stdout.splitlines()[1:]]
    assert len(answers) == 2 and all(25 < answer < 346 for answer in answers)
