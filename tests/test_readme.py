"""The README: every command in it is run, and prints what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents import Block, blocks, commands, form, furnish, run
from tests.support import ROOT

CONSOLE = [
    pytest.param(block, id=block.id, marks=[pytest.mark.slow] if block.slow else [])
    for block in blocks("console")
    if not block.tutorial
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", CONSOLE)
def test_commands_print_what_the_document_shows(block: Block, tmp_path: Path) -> None:
    furnish(tmp_path)
    found = list(commands(block))
    assert found, "a console block without a command"
    for command, shown in found:
        output = run(command, tmp_path)
        assert "Traceback" not in output
        if block.training:
            assert form(output) == form(shown), f"{command}: run `python -m tests.documents {block.document}`"
        else:
            assert output == shown.rstrip("\n"), f"{command}: run `python -m tests.documents {block.document}`"


def _recipe(target: str) -> str:
    """The lines that make runs for a target."""
    match = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)+)", MAKEFILE, re.MULTILINE)
    assert match is not None, f"the Makefile has no target {target}"
    return match.group(1)


def test_make_demo_runs_what_the_readme_shows() -> None:
    assert "make demo" in README
    (command,) = [line.strip().removeprefix("$(BIN)/") for line in _recipe("demo").splitlines()]
    assert f"$ {command}\n" in README


def test_make_test_runs_all_tests() -> None:
    assert "make test" in README
    markers = re.findall(r'-m "([a-z ]+)"', _recipe("test") + _recipe("exhaustive"))
    assert markers == ["not slow and not exhaustive", "slow and not exhaustive"]
    assert "-m exhaustive" in _recipe("exhaustive")


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_targets_of_make_exist(document: str) -> None:
    targets = set(re.findall(r"`?\bmake ([a-z]+)`", (ROOT / document).read_text(encoding="utf-8")))
    assert targets
    for target in targets:
        _recipe(target)


def test_extras_of_pip_exist() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = re.findall(r"pip install (?:-e )?'\.\[([a-z]+)\]'", README)
    assert extras
    for extra in extras:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), f"pyproject.toml has no extra {extra}"
