"""``dlspec runs`` with many runs: filters, order, tags, notes, the page, and what is deleted or left."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dlspec.cli.main import run
from dlspec.training.run.locking import Lock
from dlspec.training.run.removal import OURS
from tests.reporting import browser
from tests.support import ROOT, as_documented
from tests.test_documents import SEARCH

SPEC = "name: {name}\ninputs: {{x: [4]}}\nlayers: [{{dense: {units}}}]\n"
HOSTILE = "<b>\x1b[31m"


def made(folder: Path, identifier: str, name: str, accuracy: float | None, status: str = "finished") -> Path:
    """A folder of a run, as a training leaves it but for its model."""
    path = folder / "runs" / name / identifier
    path.mkdir(parents=True)
    (path / "spec.yaml").write_text(SPEC.format(name=name, units=3 if accuracy is None else int(accuracy * 10)))
    if accuracy is not None:
        facts = {
            "status": status, "name": name, "epochs": 9, "best": {"epoch": 7, "val_loss": 1 - accuracy},
            "metrics": {"test": {"loss": 1 - accuracy, "accuracy": accuracy}}, "seconds": accuracy * 10,
            "started": f"{identifier[:4]}-01-01T00:00:00+00:00",
        }  # fmt: skip
        (path / "report.json").write_text(json.dumps(facts))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of two specs, a search and a study that keeps one of the runs."""
    monkeypatch.chdir(tmp_path)
    made(tmp_path, "20260101T000000Z-aaaa", "houses", 0.5)
    made(tmp_path, "20260102T000000Z-bbbb", "houses", 0.9)
    made(tmp_path, "20260103T000000Z-cccc", "houses", 0.7, "failed")
    made(tmp_path, "20260104T000000Z-dddd", "churn", None)
    search = made(tmp_path, "search-20260105T000000Z-eeee", "churn", None)
    (search / "search.sqlite").write_bytes(b"")
    (search / "search.json").write_text(json.dumps(SEARCH))
    study = made(tmp_path, "study-20260106T000000Z-ffff", "houses", None)
    summary = {"group": 0, "part": "test", "measure": "accuracy", "count": 2, "mean": 0.75, "std": None, "low": None}
    facts = {
        "name": "houses", "study": {"k_fold": 2}, "finished": True, "command": "", "judged": "test",
        "model": "../20260102T000000Z-bbbb", "kept": {}, "members": [], "curve": None, "ablation": None,
        "summaries": [{**summary, "high": None, "smallest": 0.7, "largest": 0.8}],
    }  # fmt: skip
    (study / "study.json").write_text(json.dumps(facts))
    return tmp_path


def ids(text: str) -> list[str]:
    """The endings of the identifiers in a table, which tell the folders apart."""
    return re.findall(r"\dZ-([0-9a-f]{4})", text)


def test_searches_and_studies_are_listed_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs"]) == 0
    printed = capsys.readouterr().out
    assert ids(printed) == ["ffff", "eeee", "dddd", "cccc", "bbbb", "aaaa"]
    lines = printed.splitlines()
    assert lines[2].split()[:4] == ["churn", "search-20260105T000000Z-eeee", "finished", "1"]
    assert "1 trial, best val_loss 0.5" in lines[2] and "0 of 0 trainings" in lines[1]
    assert run(["runs", "--format", "json"]) == 0
    listed = as_documented("output/runs", capsys.readouterr().out)
    assert [item["kind"] for item in listed] == ["study", "search", "run", "run", "run", "run"]
    assert listed[0]["metrics"] == {"test": {"accuracy": 0.75}} and listed[1]["metrics"] == {
        "search": {"val_loss": 0.5}
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--where", "name=houses"), "ffff cccc bbbb aaaa"),
        (("--where", "name=h*", "--where", "status!=failed"), "ffff bbbb aaaa"),
        (("--where", "test accuracy>=0.7"), "ffff cccc bbbb"),
        (("--where", "test accuracy > 0.7", "--sort", "test accuracy", "--rising"), "ffff bbbb"),
        (("--where", "kind=search"), "eeee"),
        (("--where", "epochs=9", "--where", "seconds<6"), "aaaa"),
        (("--where", "started<2027-01-01", "--limit", "2"), "cccc bbbb"),
        (("--sort", "test accuracy"), "bbbb ffff cccc aaaa eeee dddd"),
        (("--sort", "test accuracy", "--rising"), "aaaa cccc ffff bbbb eeee dddd"),
        (("--sort", "name", "--limit", "4"), "ffff cccc bbbb aaaa"),
    ],
)
def test_conditions_and_order(
    folder: Path, options: Sequence[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs", *options]) == 0
    assert ids(capsys.readouterr().out) == expected.split()


def test_a_measure_that_was_asked_for_is_a_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--sort", "test accuracy", "--limit", "2"]) == 0
    head, best, _ = capsys.readouterr().out.splitlines()
    assert "test accuracy" in head and "0.9" in best.split()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sort", "test acuracy"), "no run has `test acuracy`: did you mean `test accuracy`?"),
        (("--where", "colour=red"), "no run has `colour`: one of `name`, `id`, `kind`, `status`"),
        (("--where", "houses"), "`houses` is no condition: write KEY=VALUE"),
        (("--where", "seconds<soon"), "`seconds<soon`: `soon` is no number"),
    ],
)
def test_what_is_no_condition(
    folder: Path, options: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["runs", *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_tags_and_notes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "tag", "20260101", "good", "paper", "good"]) == 0
    assert run(["runs", "tag", "search-20260105", "paper"]) == 0
    assert run(["runs", "tag", "20260101", "--remove", "good"]) == 0
    assert run(["runs", "note", "20260101", "learning rate\nwas too high"]) == 0
    notes = (folder / "runs/houses/20260101T000000Z-aaaa/notes.json").read_text()
    assert as_documented("notes", notes) == {"tags": ["paper"], "note": "learning rate was too high"}
    capsys.readouterr()
    assert run(["runs", "--where", "tag=pap*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ids("\n".join(lines)) == ["eeee", "aaaa"] and lines[2].endswith("paper  learning rate was too high")
    assert run(["runs", "show", "20260101"]) == 0
    assert "learning rate was too high" in capsys.readouterr().out
    assert run(["runs", "note", "20260101", ""]) == 0 and run(["runs", "tag", "20260101", "\x1b[31m"]) == 2
    assert "a tag has 1 to 60 printable characters" in capsys.readouterr().err


def test_deleting_asks(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "runs/houses/20260101T000000Z-aaaa"
    command = [sys.executable, "-m", "dlspec", "runs", "delete", "20260101T000000Z-aaaa"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for answer, code in (("", 1), ("n\n", 1), ("y\n", 0)):
        assert path.is_dir()
        done = subprocess.run(command, input=answer, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == code and "delete 1 folder, " in done.stderr, done.stderr
        assert ids(done.stdout) == ["aaaa"]
    assert not path.exists() and sorted(item.name for item in path.parent.iterdir()) == [
        "20260102T000000Z-bbbb", "20260103T000000Z-cccc", "study-20260106T000000Z-ffff",
    ]  # fmt: skip


def refused(words: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", *words, "--yes"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert message in said, said


def test_only_what_dlspec_made_is_deleted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = folder / "runs"
    (runs / "churn/20260104T000000Z-dddd/analysis.ipynb").write_text("mine")
    refused(["delete", "20260104"], "holds `analysis.ipynb`, which dlspec did not write: move it away first", capsys)
    refused(["delete", "20260102"], "is the model that the study `study-20260106T000000Z-ffff` keeps", capsys)
    refused(["delete", "latest"], "there is no `latest` in `runs`", capsys)
    refused(["delete", "houses"], "`houses` names a spec, and not one folder", capsys)
    refused(["delete", "2026"], "`2026` may mean 6 folders", capsys)
    own = made(folder, "mine", "houses", 0.5)
    refused(["delete", "mine"], "has a name that dlspec gives to no folder", capsys)
    elsewhere = made(folder / "elsewhere", "20260107T000000Z-abcd", "houses", 0.5)
    refused(["delete", str(elsewhere)], "in `runs`", capsys)
    (runs / "houses/20260107T000000Z-abcd").symlink_to(elsewhere)
    refused(["delete", "20260107"], "is a link to another place", capsys)
    lock = Lock(runs / "houses/20260101T000000Z-aaaa")
    refused(["delete", "20260101"], "error[E513]: another process trains in", capsys)
    lock.release()
    refused(["delete", "20260101", "20260104"], "analysis.ipynb", capsys)  # then none of both
    (runs / "houses/20260101T000000Z-aaaa/.my_backup_deadbeef").write_text("mine")
    refused(["delete", "20260101"], "holds `.my_backup_deadbeef`, which dlspec did not write", capsys)
    (runs / "houses/20260101T000000Z-aaaa/.my_backup_deadbeef").unlink()
    (runs / "houses/20260101T000000Z-aaaa/.report.0123abcd.json").write_text("{")  # of a process that was killed
    lock = Lock(runs / "houses/20260101T000000Z-aaaa")
    refused(["delete", "20260101", "20260103"], "error[E513]: another process trains in", capsys)
    lock.release()
    assert len(list(runs.glob("houses/2026010[13]*"))) == 2 and not list(runs.glob("houses/.*"))  # then none of both
    assert own.is_dir() and elsewhere.is_dir() and (runs / "houses/20260101T000000Z-aaaa").is_dir()
    assert run(["runs", "delete", "study-20260106", "20260102", "--yes"]) == 0
    assert not list(runs.glob("houses/*bbbb")) and not list(runs.glob("houses/.*"))


def test_pruning_leaves_the_newest_the_tagged_and_the_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "prune"]) == 2
    assert "say what may go" in capsys.readouterr().err
    made(folder, "20260107T000000Z-abcd", "houses", 0.6)
    assert run(["runs", "tag", "20260101", "paper"]) == 0
    lock = Lock(folder / "runs/houses/20260103T000000Z-cccc")
    assert run(["runs", "prune", "--keep", "1", "--yes"]) == 0
    assert list(folder.glob("runs/houses/*cccc"))  # in use
    lock.release()
    assert run(["runs", "prune", "--keep", "1", "--yes"]) == 0
    capsys.readouterr()
    assert run(["runs"]) == 0
    assert ids(capsys.readouterr().out) == ["abcd", "ffff", "eeee", "dddd", "bbbb", "aaaa"]
    assert run(["runs", "prune", "--where", "kind=search", "--where", "status=unfinished", "--yes"]) == 0
    assert "nothing to delete" in capsys.readouterr().err
    assert run(["runs", "prune", "--where", "name=churn", "--yes"]) == 0
    assert not (folder / "runs/churn").exists()


def test_every_file_that_documents_name_counts_as_ours() -> None:
    for document in ("run-folder", "tuning"):
        text = (ROOT / f"docs/{document}.md").read_text(encoding="utf-8")
        table = text[text.index("| File |") :].partition("\n\n")[0]
        for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:]:
            for name in re.findall(r"`([^`]+)`", cell):
                assert name.partition("/")[0] in OURS, name


def test_folders_of_strangers_break_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = folder / "runs"
    broken = {
        "0001": "{", "0002": "[]", "0003": json.dumps({"status": 3}), "0004": "[" * 100000,
        "0005": json.dumps({"status": "finished", "name": HOSTILE, "metrics": {"test": {"accuracy": None}}}),
        "0006": json.dumps({"status": "finished", "results": {"verdicts": "x"}}),
        "0007": '{"name": "\\ud800"}',
    }  # fmt: skip
    for number, text in broken.items():
        path = made(folder, f"20260201T000000Z-{number}", "odd", None)
        (path / "report.json").write_text(text)
        (path / "notes.json").write_text(text)
    os.mkfifo(made(folder, "20260201T000000Z-0008", "odd", None) / "report.json")
    (made(folder, "20260201T000000Z-0009", "odd", None) / "report.json").mkdir()
    for name, file in (("search", "search.json"), ("study", "study.json")):
        path = made(folder, f"{name}-20260202T000000Z-0001", "odd", None)
        (path / file).write_text("{")
        (path / "search.sqlite").write_text("")
    (runs / "file").write_text("x")
    (runs / "odd" / "loop").symlink_to(runs)
    (runs / "odd" / "nowhere").symlink_to(runs / "gone")
    (runs / "empty" / "20260201T000000Z-000a").mkdir(parents=True)
    assert run(["runs"]) == 0
    printed = capsys.readouterr().out
    assert len(ids(printed)) == 6 + 9 + 2 and "\x1b" not in printed and "<b>\\x1b[31m" in printed
    assert run(["runs", "--html", "page.html"]) == 0
    page = (folder / "page.html").read_text()
    assert "&lt;b&gt;" in page and "<b>" not in page and "\x1b" not in page


def test_the_page_compares(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "runs/houses/20260101T000000Z-aaaa/report.html").write_text("report")
    assert run(["runs", "--where", "name=houses", "--where", "kind=run", "--html", "pages.html"]) == 0
    assert "wrote pages.html" in capsys.readouterr().err
    page = (folder / "pages.html").read_text()
    assert 'href="runs/houses/20260101T000000Z-aaaa/report.html"' in page
    assert "layers.0.dense" in page and "What differs in their specs" in page
    program = browser.find()
    if program is None:
        pytest.skip("no Chromium: `apt-get install chromium`")
    with browser.browser(program, tmp_path / "profile") as tab:
        for width in (1280, 400):
            tab.open(folder / "pages.html", width)
            assert tab.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            order = "[...document.querySelectorAll('.sorted tbody tr')].map(row => row.cells[1].textContent.slice(-4))"
            title = "[...document.querySelectorAll('.sorted thead th')].find(th => th.textContent === 'test accuracy')"
            assert tab.ask(order) == ["cccc", "bbbb", "aaaa"]
            tab.ask(f"{title}.click()")
            assert tab.ask(order) == ["bbbb", "cccc", "aaaa"]
            tab.ask(f"{title}.click()")
            assert tab.ask(order) == ["aaaa", "cccc", "bbbb"]
        assert tab.messages == [] and all(url.startswith(("file:", "data:")) for url in tab.requests)


def test_thousands_are_listed_within_a_second_of_processor_time(tmp_path: Path) -> None:
    report = json.dumps(_large())
    for number in range(3000):
        path = tmp_path / f"spec{number % 5}" / f"20260101T{number:06d}Z-abcd"
        path.mkdir(parents=True)
        (path / "spec.yaml").write_text("name: a\n")
        (path / "report.json").write_text(report)
    code = (
        "import sys, time\nfrom dlspec.cli.main import run\nrun(['runs', '--runs', sys.argv[1], '--sort', 'seconds'])\n"
        "print(time.process_time(), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 3001 and float(done.stderr) < 2


def _large() -> dict[str, Any]:
    """A report of 12 kB, most of which no list shows."""
    rows = [{"name": f"class {number}", "examples": 100, "precision": 0.5, "recall": 0.25} for number in range(150)]
    return {
        "status": "finished", "name": "a", "epochs": 20, "best": {"epoch": 7, "val_loss": 0.5}, "seconds": 3.5,
        "metrics": {"test": {"accuracy": 0.5}}, "later": rows,
    }  # fmt: skip
