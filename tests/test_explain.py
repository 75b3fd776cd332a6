"""The catalogue of codes: complete, true, and shown by ``dlspec explain``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dlspec.cli.main import run
from dlspec.core.codes import CODES, FAMILIES, family
from dlspec.passes import compile_spec
from tests.support import as_documented

PACKAGE = Path(__file__).parent.parent / "dlspec"
EXAMPLES = sorted(name for name, entry in CODES.items() if entry.wrong)


def emitted() -> set[str]:
    """Every code that a module of the package names."""
    codes: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "codes":
            codes |= set(re.findall(r'"([YEW][0-9]{3})"', path.read_text(encoding="utf-8")))
    return codes


def found(tmp_path: Path, text: str) -> dict[str, str]:
    """Codes with severity that a spec of this text gives."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(text + "\n", encoding="utf-8")
    return {item.code: item.severity for item in compile_spec(spec).diagnostics.items}


def test_every_emitted_code_is_explained() -> None:
    assert emitted() - set(CODES) == set()


def test_every_explained_code_is_emitted() -> None:
    assert set(CODES) - emitted() == set()


@pytest.mark.parametrize("name", sorted(CODES))
def test_entries_are_whole(name: str) -> None:
    entry = CODES[name]
    assert family(name) in FAMILIES.values()
    assert entry.title and not entry.title.endswith(".")
    assert entry.rule.endswith(".") and len(entry.rule.split(". ")) <= 4
    assert bool(entry.wrong) == bool(entry.right)
    assert bool(entry.wrong) != bool(entry.scene)


@pytest.mark.parametrize("name", EXAMPLES)
def test_wrong_example_gives_its_code_and_no_other(name: str, tmp_path: Path) -> None:
    errors = found(tmp_path, CODES[name].wrong)
    assert name in errors
    assert {code for code, severity in errors.items() if severity == "error"} <= {name}


@pytest.mark.parametrize("name", EXAMPLES)
def test_right_example_has_no_error(name: str, tmp_path: Path) -> None:
    errors = found(tmp_path, CODES[name].right)
    assert name not in errors
    assert "error" not in errors.values()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", ["E402", "e402", "Y001"])
def test_explain_one(name: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name, "--format", form]) == 0
    text = capsys.readouterr().out
    entry = CODES[name.upper()]
    if form == "json":
        data = as_documented("output/explain", text)
        assert data["code"] == name.upper() and data["rule"] == entry.rule and data["wrong"] == entry.wrong
    else:
        assert text.startswith(f"{name.upper()}: {entry.title}\n")
        for line in (entry.wrong + "\n" + entry.right + "\n" + entry.scene).split("\n"):
            assert line in text
        assert all(len(line) <= 100 or "[[" in line or ": " in line for line in text.split("\n"))


def test_explain_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    text = capsys.readouterr().out
    for name, entry in CODES.items():
        assert re.search(rf"^  {name}  {re.escape(entry.title)}$", text, re.M)
    assert [title for title in FAMILIES.values() if title in text] == list(FAMILIES.values())
    assert run(["explain", "--format", "json"]) == 0
    assert {item["code"] for item in as_documented("output/explain", capsys.readouterr().out)["codes"]} == set(CODES)


@pytest.mark.parametrize(("name", "help"), [("E420", "did you mean"), ("nonsense", "`dlspec explain` lists all codes")])
def test_explain_unknown(name: str, help: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", name]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"no such code `{name}`" in captured.err and help in captured.err


def test_explain_in_a_process() -> None:
    command = [sys.executable, "-m", "dlspec", "explain", "E402"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("E402: ") and "\x1b" not in result.stdout and result.stderr == ""
    code = "import sys; from dlspec.cli.main import run; run(['explain']); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
