"""Full disks, closed pipes, edited run folders, names that no terminal shows: said in one line, and nothing lost."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlspec.cli.main import run
from dlspec.cli.output import progress_console
from dlspec.core.errors import Problem
from dlspec.core.files import parse_json
from dlspec.training.loop.progress import LineProgress
from dlspec.training.saved import open_run
from dlspec.views.pages.index import Run, find_run
from tests.support import ROOT, dlspec

SPEC = """
name: small
inputs: {x: [2]}
layers: [{dense: {units: 2, activation: softmax, name: k}}]
data: {source: {csv: rows.csv}, inputs: {x: {columns: [a, b]}}, targets: {k: k}, split: {test: 0.25}}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""
SEARCHED = (
    SPEC.replace("units: 2", "units: $units")
    + """
params: {units: {int: [2, 3]}}
tune: {trials: 1, objective: loss}
"""
)
REPORT: dict[str, Any] = {
    "status": "finished",
    "name": "small",
    "id": "1",
    "spec_folder": "../../..",
    "metrics": {"test": {"loss": 0.5}},
    "data": {
        "targets": {
            "k": {
                "target": "k",
                "columns": ["k"],
                "encoding": "classes",
                "shape": [],
                "dtype": "int32",
                "classes": ["no", "yes"],
                "one_hot": False,
                "separator": "",
            }
        }
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec, its data, and a run as far as its spec, its report and some model go."""
    with (tmp_path / "rows.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("a", "b", "k"), *((i % 5, i % 3, "\x1b[31mred" if i % 2 else "plain") for i in range(40))])
    (tmp_path / "small.yaml").write_text(SPEC)
    write_run(tmp_path / "runs" / "small" / "1", REPORT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_run(path: Path, report: Any) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "spec.yaml").write_text(SPEC)
    (path / "report.json").write_text(report if isinstance(report, str) else json.dumps(report))
    (path / "model.keras").write_bytes(b"")
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    """What a command writes to stderr."""
    capsys.readouterr()
    assert run(list(arguments)) == code
    return capsys.readouterr().err


def test_control_characters_of_data_and_file_names_are_escaped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "small.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\\x1b[31mred 20" in shown
    strange = "a\x1b]0;title\x07.yaml"
    shutil.copy("small.yaml", strange)
    assert run(["check", strange]) == 0
    assert capsys.readouterr().out.startswith("a\\x1b]0;title\\x07.yaml: ok")
    assert run(["check", "\x1b]0;none"]) == 1
    assert "cannot read `\\x1b]0;none`" in capsys.readouterr().out
    assert "\x1b" not in said(capsys, "predict", "\x1b[1mnothing", "rows.csv")
    assert "\x1b" not in said(capsys, "export", "small.yaml", "--to", "keras", "-o", "\x1b[1m.onnx", code=2)


def test_data_for_programs_stay_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "small.yaml", "--format", "json"]) == 0
    assert "\x1b[31mred" in json.dumps(json.loads(capsys.readouterr().out), ensure_ascii=False).encode().decode(
        "unicode_escape"
    )


def test_progress_goes_on_when_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        progress = LineProgress(progress_console())
        progress.note("starting")
        progress.note("going on")


def test_standard_output_on_a_full_disk() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "dlspec", "layers", "dense"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: the output cannot be written: No space left on device\n")


def test_letters_that_the_locale_lacks(folder: Path) -> None:
    shutil.copy("small.yaml", "λ.yaml")
    done = dlspec("check", "λ.yaml", cwd=folder, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout.partition(":")[0]) == (0, "\\u03bb.yaml")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "n" * 300),
        ("predict", "n" * 300, "rows.csv"),
        ("evaluate", "n" * 300),
        ("runs", "show", "n" * 300),
        ("train", "small.yaml", "--run", "n" * 300),
        ("train", "small.yaml", "--runs", "n" * 300),
        ("tune", "searched.yaml", "--search", "n" * 300),
        ("show", "small.yaml", "--svg", "n" * 300 + ".svg"),
        ("export", "small.yaml", "--to", "python", "-o", "n" * 300 + ".py"),
        ("export", "n" * 300, "--to", "python"),
        ("check", "small.yaml", "--set", f"data.source.csv={'n' * 300}"),
    ],
)
def test_names_that_are_too_long(arguments: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("searched.yaml").write_text(SEARCHED)
    assert run(list(arguments)) in (1, 2)
    captured = capsys.readouterr()
    assert "internal error" not in captured.err
    assert "n" * 300 in captured.out + captured.err


DEEP = "[" * 100_000 + "]" * 100_000


def test_json_that_is_nested_too_deeply(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(DEEP)
    write_run(folder / "runs" / "deep" / "1", DEEP)
    assert "`report.json` cannot be read: it is nested too deeply" in said(capsys, "evaluate", "deep")
    assert run(["runs"]) == 0
    assert "deep" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": 3},
        {"metrics": {"test": {"loss": "low"}}},
        {"best": ["epoch"]},
        {"results": {"verdicts": [7]}},
        {"results": None},
        {"seconds": "long"},
        {"status": {}},
        {"data": []},
        {"data": {"targets": {"k": {"target": "k"}}}},
        {"spec_folder": 5},
        {"epochs": "many"},
    ],
)
def test_reports_that_were_edited(change: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(folder / "runs" / "small" / "1", {**REPORT, **change})
    assert run(["runs"]) == 0
    assert run(["runs", "show", "small"]) == 0
    assert run(["runs", "compare", "small", "small"]) == 0
    assert run(["runs", "show", "small", "--format", "json"]) == 0
    for arguments in (("evaluate", "small"), ("predict", "small", "rows.csv")):
        assert "error[E522]: run `1` was changed: `report.json` is no report of dlspec: `" in said(capsys, *arguments)
    assert "error[E704]: " in said(capsys, "export", "runs/small/1", "--to", "python")


def test_a_run_does_not_say_where_the_fence_of_its_paths_stands(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = folder / "secret"
    secret.mkdir()
    for name in ("small.yaml", "rows.csv"):
        shutil.move(folder / name, secret / name)
    here = folder / "here"
    here.mkdir()
    opened = {**REPORT, "spec_folder": "../../../../secret", "allow_outside": True}
    path = write_run(here / "runs" / "small" / "1", opened)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        saved = open_run(Run(path))
        assert not saved.allow_outside and saved.folder == path
        assert f"paths of run `1` start at `{secret}`, which is not below" in said(
            capsys, "export", str(path), "--to", "python"
        )
        assert run(["export", str(path), "--to", "python", "--allow-outside"]) == 0
        assert open_run(Run(path), allow_outside=True).folder == secret
    assert open_run(Run(path)).folder == secret  # the current folder holds it


def test_names_that_no_file_system_has(folder: Path) -> None:
    with pytest.raises(Problem, match="there is no run"):
        find_run("n" * 5000, folder / "runs")
    with pytest.raises(Problem, match="there is no run"):
        find_run("a\0b", folder / "runs")


def test_halves_of_characters(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        parse_json('["\\ud800"]')
    assert parse_json('["\\ud83d\\ude00"]') == ["\N{GRINNING FACE}"]
    said = dlspec("check", "small.yaml", "--set", "description=a\udcff", cwd=folder)
    assert said.returncode == 1
    assert "error[E109]: the value of `description` is not YAML: it holds bytes that are not UTF-8" in said.stdout


def test_what_is_extended_cannot_be_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "small.yaml", "--set", "extends=other.yaml"]) == 1
    assert "error[E109]: `extends` is read before anything is set" in capsys.readouterr().out
