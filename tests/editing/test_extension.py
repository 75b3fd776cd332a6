"""The extension for VS Code: its files say the same, and its script is one."""

from __future__ import annotations

import json
import shutil
import subprocess

import click
import pytest

from dlspec.cli.main import cli
from tests.support import ROOT

FOLDER = ROOT / "editors" / "vscode"


def test_the_extension_starts_a_command_that_exists() -> None:
    manifest = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    program, name = manifest["contributes"]["configuration"]["properties"]["dlspec.command"]["default"]
    assert program == "dlspec" and name in cli.list_commands(click.Context(cli))
    named = [manifest["main"], *(item["configuration"] for item in manifest["contributes"]["languages"])]
    named += [item["path"] for item in manifest["contributes"]["grammars"]]
    for file in named:
        assert (FOLDER / file).is_file(), file
    for file in FOLDER.glob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))
    assert (FOLDER / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_its_script_is_valid() -> None:
    subprocess.run(["node", "--check", FOLDER / "extension.js"], check=True)
