"""Run folders: made in one step, written whole or not at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlspec.core.errors import Problem
from dlspec.training.run.run_folder import RunFolder


def test_a_folder_appears_with_its_files(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs", "digits", {"spec.yaml": "name: digits\n"})
    assert folder.path.parent == tmp_path / "runs" / "digits"
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", folder.id)
    assert (folder.path / "spec.yaml").read_text() == "name: digits\n"
    assert [entry.name for entry in folder.path.parent.iterdir()] == [folder.id], "no draft is left"


def test_two_runs_do_not_meet(tmp_path: Path) -> None:
    assert len({RunFolder.create(tmp_path, "a", {}).id for _ in range(20)}) == 20


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n"])
def test_names_that_are_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Problem, match="cannot name a folder of runs") as caught:
        RunFolder.create(tmp_path, name, {})
    assert caught.value.code == "E103"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(Problem, match=r"cannot make the run folder `.*runs/a/.*`: Not a directory") as caught:
        RunFolder.create(tmp_path / "runs", "a", {})
    assert caught.value.code == "E507"


def test_a_failing_write_leaves_the_old_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write("a.txt", "old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        folder.save("a.txt", fail)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_rows_are_appended_below_one_header(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for epoch in (1, 2):
        folder.append_row("metrics.csv", {"epoch": epoch, "loss": 0.5 / epoch})
    assert (tmp_path / "metrics.csv").read_text() == "epoch,loss\n1,0.5\n2,0.25\n"


def test_further_columns_widen_the_table(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_row("m.csv", {"epoch": 1, "loss": 0.5})
    folder.append_row("m.csv", {"loss": 0.25, "learning_rate": 0.1, "epoch": 2})
    assert (tmp_path / "m.csv").read_text() == "epoch,loss,learning_rate\n1,0.5,\n2,0.25,0.1\n"


def test_two_processes_that_make_one_folder_at_the_same_time(tmp_path: Path) -> None:
    """Both looked when it was not there; the second must not say that the folder cannot be made."""
    first = RunFolder.create_at(tmp_path / "here", {"spec.yaml": "name: one"})
    with pytest.raises(Problem, match="another process trains in") as caught:
        RunFolder.create_at(tmp_path / "here", {"spec.yaml": "name: one"})
    assert caught.value.code == "E513"
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    first.release()
