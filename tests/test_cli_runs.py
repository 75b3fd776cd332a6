"""``dlspec runs``: what is listed, how a run is named, what is compared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dlspec.cli.main import run
from tests.support import as_documented

SPEC = "name: {name}\ninputs: {{x: [4]}}\nlayers: [{{dense: {units}}}]\n"
IDS = ("20260101T000000Z-aaaa", "20260102T000000Z-bbbb", "20260103T000000Z-cccc")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two finished runs of `houses`, and one of `churn` that was killed."""
    monkeypatch.chdir(tmp_path)
    for place, (name, units, accuracy) in enumerate((("houses", 3, 0.5), ("houses", 4, 0.75), ("churn", 2, None))):
        folder = tmp_path / "runs" / name / IDS[place]
        folder.mkdir(parents=True)
        (folder / "spec.yaml").write_text(SPEC.format(name=name, units=units))
        if accuracy is not None:
            facts = {
                "status": "finished",
                "name": name,
                "id": folder.name,
                "epochs": 9,
                "best": {"epoch": 7, "val_loss": 0.25},
                "metrics": {"test": {"loss": 0.25, "accuracy": accuracy}},
                "seconds": 3.25,
                "seed": 0,
                "started": "then",
                "command": f"dlspec train {name}.yaml",
            }
            (folder / "report.json").write_text(json.dumps(facts))
    return tmp_path / "runs"


def test_the_list_has_the_newest_first(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["name", "id", "status"],
        ["churn", IDS[2], "unfinished"],
        ["houses", IDS[1], "finished"],
        ["houses", IDS[0], "finished"],
    ]
    assert lines[2].split()[3:] == ["7", "of", "9", "val_loss", "0.25", "3.2", "s"]


def test_the_list_as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--format", "json"]) == 0
    listed = as_documented("output/runs", capsys.readouterr().out)
    assert [one["id"] for one in listed] == list(reversed(IDS))
    assert listed[1]["metrics"]["test"]["accuracy"] == 0.75


@pytest.mark.parametrize("called", ["latest", "churn", IDS[2], "20260103", "churn/20260103", f"runs/churn/{IDS[2]}"])
def test_a_run_has_many_names(runs: Path, called: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "show", called]) == 0
    assert IDS[2] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("called", "message", "help"),
    [
        ("hauses", "there is no run `hauses` in `runs`", "did you mean `houses`?"),
        ("2026", "`2026` may mean 3 runs", "write more of the id"),
        ("nothing/like/it", "there is no run `nothing/like/it`", "one of `latest`"),
    ],
)
def test_a_name_of_no_run(runs: Path, called: str, message: str, help: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "show", called]) == 1
    said = capsys.readouterr().err
    assert f"error[E521]: {message}" in said and help in said


def test_two_runs_are_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "compare", "20260101", "20260102"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["layers.0.dense", "3", "4"] in lines
    assert ["test", "accuracy", "0.5", "0.75", "+0.25"] in lines
    assert ["test", "loss", "0.25", "0.25", "0"] in lines
    assert run(["runs", "compare", "20260101", "churn", "--format", "json"]) == 0
    facts = as_documented("output/runs-compare", capsys.readouterr().out)
    assert {"key": "name", "a": "houses", "b": "churn"} in facts["spec"]
    assert facts["metrics"][0] == {"measure": "test loss", "a": 0.25, "b": None, "difference": None}


def test_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--runs", str(tmp_path)]) == 0
    assert f"no runs in {tmp_path}" in capsys.readouterr().err


def test_a_report_that_is_no_json_is_no_catastrophe(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "houses" / IDS[0] / "report.json").write_text("{")
    assert run(["runs"]) == 0
    assert "unfinished" in capsys.readouterr().out.splitlines()[3]


def test_nothing_heavy_is_imported(runs: Path) -> None:
    code = (
        "import sys\nfrom dlspec.cli.main import run\nrun(['runs'])\n"
        "sys.exit(str({'tensorflow', 'keras', 'numpy', 'matplotlib', 'jinja2', 'PIL'} & set(sys.modules) or 0))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode in (0, 1) and result.stderr.strip() == "0", result.stderr
