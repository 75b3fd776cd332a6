"""Help of the commands at the width of a terminal, its examples, and what shells complete."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dlspec.cli.helping import PURPOSES, WIDTH, Command, Group
from dlspec.cli.main import cli
from tests.support import ROOT, asked

CONTEXT = click.Context(cli)
COMMANDS = {name: cli.get_command(CONTEXT, name) for name in cli.list_commands(CONTEXT)}


def test_all_commands_are_listed_by_purpose_in_whole_sentences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    shown = asked(capsys, "--help")
    assert [line for line in shown.splitlines() if len(line) > WIDTH or line.endswith("...")] == [
        "Usage: dlspec [OPTIONS] COMMAND [ARGS]..."
    ]
    assert [purpose for purpose in PURPOSES if f"\n{purpose}:\n" in shown] == list(PURPOSES)
    for name, command in COMMANDS.items():
        assert isinstance(command, Command), name
        assert f"  {name.ljust(max(map(len, COMMANDS)))}  {command.short_help}\n" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal_with_examples_before_options(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    lines = asked(capsys, name, "--help").splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert not [line for line in lines[1:] if line.endswith("...")]
    if name != "lsp":
        assert lines.index("Examples:") < lines.index("Options:")


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, line) for name, item in COMMANDS.items() if isinstance(item, Command) for line, _ in item.examples],
)
def test_examples_are_commands_that_there_are(name: str, example: str) -> None:
    words = shlex.split(example.rpartition("| ")[2].partition(" > ")[0])
    assert words[:2] == ["dlspec", name]
    command, rest = COMMANDS[name], words[2:]
    if isinstance(command, Group) and rest and not rest[0].startswith("-"):
        command, rest = command.get_command(CONTEXT, rest[0]), rest[1:]
    assert command is not None
    command.make_context(name, rest)  # raises what the command line would say


@pytest.mark.parametrize(
    ("written", "completed"),
    [
        ("ex", {"explain", "export"}),
        ("explain e41", {f"E41{digit}" for digit in range(6)}),
        ("layers conv2d", {"conv2d", "conv2d_transpose"}),
        ("check --sta", {"--statistics"}),
        ("evaluate hou", {"houses"}),
        ("runs show la", {"latest"}),
    ],
)
def test_shells_complete_commands_options_and_names(written: str, completed: set[str], tmp_path: Path) -> None:
    Path(tmp_path, "runs/houses/20261130T120000Z").mkdir(parents=True)
    Path(tmp_path, "runs/houses/20261130T120000Z/spec.yaml").write_text("name: houses\n")
    words = ["dlspec", *written.split()]
    environment = {
        **os.environ,
        "_DLSPEC_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "PYTHONPATH": str(ROOT),
    }
    result = subprocess.run(
        [sys.executable, "-m", "dlspec"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    offers = [line.partition(",") for line in result.stdout.splitlines()]
    assert completed <= {name for kind, _, name in offers if kind == "plain"}
    assert all(name.lower().startswith(words[-1].lower()) for kind, _, name in offers if kind == "plain")
