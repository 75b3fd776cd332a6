"""`dlspec check` of many specs: which files, what is mended, what is left out, what fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from shutil import copytree

import pytest

from dlspec.cli.finding import is_spec, specs_of
from dlspec.passes import compile_spec
from dlspec.syntax.comments import comments_of
from tests.golden import BAD
from tests.support import ROOT, dlspec_here

GOOD = "inputs: {x: [4]}\nlayers:\n  - dense: 3\n"
SLIP = "# why\ninputs: {x: [4]}\nlayers:\n  - dense: {unit: 3}  # three\n  - densse: 3\n"
MENDED = "# why\ninputs: {x: [4]}\nlayers:\n  - dense: {units: 3}  # three\n  - dense: 3\n"
MASK = (
    "inputs: {w: {shape: [20], dtype: int32}}\nlayers:\n  - embedding: {input_dim: 9, output_dim: 8, mask_zero: true}\n"
)
WARNS = MASK + "  - conv1d: {filters: 4, kernel_size: 3}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: two specs, one of them in a folder with things that are none."""
    monkeypatch.chdir(tmp_path)
    files = {
        "good.yaml": GOOD,
        "deep/slip.yml": SLIP,
        "deep/child.yaml": "extends: ../good.yaml\n",
        "deep/workflow.yaml": "name: x\non: push\njobs: {}\n",
        "deep/notes.txt": GOOD,
        "deep/.hidden.yaml": GOOD,
        ".git-like/spec.yaml": GOOD,
        "runs/a/1/spec.yaml": GOOD,
        "runs/a/1/identity.json": "{}",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_folder_stands_for_the_specs_in_it(folder: Path) -> None:
    assert [str(path) for path in specs_of([Path()])] == ["good.yaml", "deep/child.yaml", "deep/slip.yml"]
    assert [str(path) for path in specs_of([Path("deep"), Path("good.yaml")])] == [
        "deep/child.yaml",
        "deep/slip.yml",
        "good.yaml",
    ]
    assert [str(path) for path in specs_of([Path("**/*.yml"), Path("deep/*.yml")])] == ["deep/slip.yml"]
    assert specs_of([folder / "*.yaml"]) == [folder / "good.yaml"]


def test_all_specs_of_the_repository_are_known_as_such() -> None:
    assert all(is_spec(path) for path in (ROOT / "specs").rglob("*.yaml"))
    assert not is_spec(ROOT / ".pre-commit-hooks.yaml")


def test_a_folder_without_specs_is_wrong_usage(folder: Path) -> None:
    (folder / "empty").mkdir()
    for path in ("empty", "*.json"):
        done = dlspec_here("check", path)
        assert done.returncode == 2 and f"no spec in `{path}`" in done.stderr
    assert dlspec_here("check").returncode == 2


def test_only_specs_of_what_is_named(folder: Path) -> None:
    done = dlspec_here("check", "--specs-only", "good.yaml", "deep/workflow.yaml", "deep/notes.txt")
    assert (done.returncode, done.stdout) == (0, "good.yaml: ok, 1 layer, 15 parameters, 27 FLOPs\n")
    assert dlspec_here("check", "--specs-only", "deep/workflow.yaml").returncode == 0


def test_every_spec_is_shown_and_one_that_fails_is_enough(folder: Path) -> None:
    done = dlspec_here("check", ".")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-4:] == [
        "good.yaml: ok, 1 layer, 15 parameters, 27 FLOPs",
        "deep/child.yaml: 1 error",
        "deep/slip.yml: 2 errors",
        "3 specs, 2 failed: 3 errors; `--fix` mends 2 of them",
    ]
    files = [item["file"] for item in json.loads(dlspec_here("check", ".", "--format", "json").stdout)["diagnostics"]]
    assert files == ["deep/child.yaml", "deep/slip.yml", "deep/slip.yml"]
    assert dlspec_here("check", "good.yaml", "*.yaml").stdout.endswith("FLOPs\n")


def test_statistics_count_by_code(folder: Path) -> None:
    lines = dlspec_here("check", ".", "--statistics").stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["1", "E108", "0"], ["1", "E201", "1"], ["1", "E202", "1"]]
    assert dlspec_here("check", "good.yaml", "--statistics").stdout == "no problems\n"


def test_fix_writes_what_helps_name(folder: Path) -> None:
    spec = folder / "deep" / "slip.yml"
    spec.write_bytes(b"\xef\xbb\xbf" + SLIP.replace("\n", "\r\n").encode())
    spec.chmod(0o640)
    shown = dlspec_here("check", "--diff", "deep/slip.yml")
    assert shown.returncode == 1 and "-  - densse: 3\n" in shown.stdout and "\n+  - dense: 3\n" in shown.stdout
    assert spec.read_bytes().count(b"densse") == 1
    done = dlspec_here("check", "--fix", "deep/slip.yml")
    assert done.returncode == 0 and "deep/slip.yml: mended 2 problems\ndeep/slip.yml: ok" in done.stdout
    assert spec.read_bytes() == b"\xef\xbb\xbf" + MENDED.replace("\n", "\r\n").encode()
    assert spec.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in spec.parent.iterdir() if path.name.startswith(".")] == [".hidden.yaml"]
    assert dlspec_here("check", "--diff", "deep/slip.yml").stdout == ""


def test_fix_writes_through_links_and_into_files_that_are_extended(folder: Path) -> None:
    (folder / "base.yaml").write_text(SLIP)
    (folder / "child.yaml").write_text("extends: base.yaml\nname: child\n")
    (folder / "link.yaml").symlink_to("child.yaml")
    assert dlspec_here("check", "--fix", "link.yaml").returncode == 0
    assert (folder / "base.yaml").read_text() == MENDED and (folder / "link.yaml").is_symlink()


def test_unsafe_changes_are_made_only_where_asked(folder: Path) -> None:
    spec = folder / "spec.yaml"
    spec.write_text(GOOD + "data: {source: {sklearn: iris}, inputs: {x: dat}, targets: {y: target}}\n")
    done = dlspec_here("check", "--fix", "spec.yaml")
    assert done.returncode == 1 and "dat}" in spec.read_text()
    dlspec_here("check", "--fix", "--unsafe-fixes", "spec.yaml")
    assert "inputs: {x: data}" in spec.read_text()


def test_a_comment_is_not_taken_away(folder: Path) -> None:
    spec = folder / "spec.yaml"
    text = "inputs: {x: [4]}\nlayers:\n  - dense: 3\ntrain:\n  loss: mse\n  epochs: 3\n  batch_size: 4  # of ours\n"
    for edit in (item.edits for item in compile_text_of(spec, text)):
        assert all("# of ours" in text or not change.safe for change in edit)
    dlspec_here("check", "--fix", "spec.yaml")
    assert "# of ours" in spec.read_text()


def compile_text_of(spec: Path, text: str) -> list:
    """The diagnostics of a text."""
    spec.write_text(text)
    return compile_spec(spec).diagnostics.items


def test_standard_input_stands_for_a_file(folder: Path) -> None:
    def check(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dlspec", "check", "-", *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder, env=environment)

    done = check(SLIP, "--stdin-name", "deep/new.yaml")
    assert done.returncode == 1 and "--> deep/new.yaml:4:13" in done.stdout
    done = check(SLIP, "--fix")
    assert (done.returncode, done.stdout, done.stderr) == (0, MENDED, "")
    done = check(SLIP.replace("densse", "xyz"), "--fix")
    assert done.returncode == 1 and "units: 3" in done.stdout and "unknown layer `xyz`" in done.stderr
    done = check("extends: ../good.yaml\n", "--stdin-name", "deep/new.yaml", "--allow-outside")
    assert done.returncode == 0 and done.stdout.startswith("deep/new.yaml: ok")
    assert not (folder / "deep" / "new.yaml").exists()
    assert check("a: \udcff".encode("utf-8", "surrogateescape").decode("latin-1")).returncode == 1


def test_strict_select_and_ignore(folder: Path) -> None:
    (folder / "warns.yaml").write_text(WARNS)
    assert dlspec_here("check", "warns.yaml").returncode == 0
    assert dlspec_here("check", "warns.yaml", "--strict").returncode == 1
    done = dlspec_here("check", "warns.yaml", "--strict", "--ignore", "W402")
    assert done.returncode == 0 and "W402" not in done.stdout
    done = dlspec_here("check", "deep/slip.yml", "--select", "E201,W")
    assert done.returncode == 1 and done.stdout.endswith("deep/slip.yml: 1 error, 1 error not selected\n")
    wrong = dlspec_here("check", "deep/slip.yml", "--ignore", "E201")
    assert wrong.returncode == 2 and "are errors" in wrong.stderr
    wrong = dlspec_here("check", "deep/slip.yml", "--select", "W402,X")
    assert wrong.returncode == 2 and "no code begins with `X`" in wrong.stderr


@pytest.mark.parametrize(
    "options",
    [["-", "good.yaml"], ["good.yaml", "--stdin-name", "x"], ["good.yaml", "--unsafe-fixes"], ["-", "--watch"]],
)
def test_options_that_do_not_go_together(folder: Path, options: list[str]) -> None:
    assert dlspec_here("check", *options).returncode == 2


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# dlspec: ignore W402 the zeros are words", []),
        ("# dlspec: ignore W402: the zeros are words", []),
        ("#dlspec: ignore w402, W301 - words", ["W620"]),
        ("# dlspec: ignore W402", ["W402", "W621"]),
        ("# dlspec: ignore", ["W402", "W621"]),
        ("# dlspec: ignore E402 nothing fits", ["W402", "W621"]),
        ("# dlspec: ignore W999 nothing fits", ["W402", "W621"]),
        ("# ignore W402 of something else", ["W402"]),
    ],
)
def test_a_comment_leaves_a_warning_out(folder: Path, comment: str, codes: list[str]) -> None:
    spec = folder / "warns.yaml"
    line = "  - conv1d: {filters: 4, kernel_size: 3}"
    for text in (f"{MASK}{line}  {comment}\n", f"{MASK}  {comment}\n\n  # more\n{line}\n"):
        assert sorted(item.code for item in compile_text_of(spec, text)) == codes
    assert "W402" in [item.code for item in compile_text_of(spec, f'{MASK}{line}\ndescription: "{comment}"\n')]


def test_a_comment_that_meets_nothing_is_told_only_where_all_was_checked(folder: Path) -> None:
    spec = folder / "spec.yaml"
    text = GOOD.replace("3\n", "3  # dlspec: ignore W402 it is meant\n")
    assert [item.code for item in compile_text_of(spec, text)] == ["W620"]
    assert [item.code for item in compile_text_of(spec, text.replace("dense", "densse"))] == ["E201"]


def test_changed_specs(folder: Path) -> None:
    def git(*words: str) -> None:
        options = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True)

    assert dlspec_here("check", "--changed").returncode == 2  # no repository
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    done = dlspec_here("check", "--changed")
    assert (done.returncode, done.stdout) == (0, "no spec to check\n")
    (folder / "new.yaml").write_text(GOOD)
    (folder / "other.yaml").write_text(GOOD)
    git("add", "other.yaml")
    assert dlspec_here("check", "--changed").stdout.splitlines()[-1] == "2 specs, 0 failed"
    (folder / "good.yaml").write_text(GOOD + "name: changed\n")
    done = dlspec_here("check", "--changed", "--allow-outside", "deep")  # `child.yaml` extends what changed
    assert done.stdout == "deep/child.yaml: ok, 1 layer, 15 parameters, 27 FLOPs\n"
    git("add", ".")
    git("commit", "-qm", "second")
    assert dlspec_here("check", "--since", "HEAD~1", ".").stdout.splitlines()[-1].startswith("4 specs")
    wrong = dlspec_here("check", "--since", "nowhere", ".")
    assert wrong.returncode == 2 and "Git cannot tell" in wrong.stderr


@pytest.mark.slow
def test_watch_checks_again_until_it_is_interrupted(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dlspec", "check", "--watch", "good.yaml"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("good.yaml: ok")
        assert process.stdout.readline() == "watching 1 file; Ctrl-C ends\n"
        begun = time.monotonic()
        (folder / "good.yaml").write_text(SLIP)
        while "good.yaml: 2 errors" not in process.stdout.readline():
            assert time.monotonic() - begun < 10
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_fix_of_every_bad_spec_leads_to_fewer_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(BAD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    specs = sorted(path.name for path in tmp_path.glob("*.yaml"))
    before = {spec: compile_spec(Path(spec)).diagnostics for spec in specs}
    texts = {spec: Path(spec).read_bytes() for spec in specs}
    dlspec_here("check", "--fix", *specs)
    changed = [spec for spec in specs if Path(spec).read_bytes() != texts[spec]]
    assert len(changed) >= 80
    for spec in changed:
        after = compile_spec(Path(spec)).diagnostics
        assert len(after.errors) < len(before[spec].errors) or not after.errors, spec  # else it was a warning
        assert len(after.items) < len(before[spec].items) or len(after.errors) < len(before[spec].errors), spec
        comments = [
            Counter(c.text for c in comments_of(text.decode())) for text in (texts[spec], Path(spec).read_bytes())
        ]
        assert comments[0] == comments[1], spec
    again = {spec: Path(spec).read_bytes() for spec in specs}
    dlspec_here("check", "--fix", *specs)
    assert again == {spec: Path(spec).read_bytes() for spec in specs}  # nothing safe is left to do
