"""A spec that comes on the standard input, as if it were the text of a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dlspec.cli.checking import Checking, check_all, show
from dlspec.cli.output import print_data, show_diagnostics
from dlspec.syntax.source import MAX_BYTES, decoded


def read_standard_input(name: Path) -> str:
    """The text of the standard input, with ``\\n`` as its line end.

    Args:
        name: What messages call it.

    Raises:
        click.exceptions.Exit: It is too long or not UTF-8: exit code 1, after a message.
    """
    document = decoded(sys.stdin.buffer.read(MAX_BYTES + 1), str(name))
    if document.diagnostics.errors:
        show_diagnostics(document.diagnostics.items, {})
        raise click.exceptions.Exit(1)
    return document.text


def check_standard_input(name: Path, checking: Checking) -> int:
    """Checks the standard input; where it is to be mended, the text as it is now goes to the standard output.

    Args:
        name: The file whose text it is: paths of the spec start at its folder.
    """
    text = read_standard_input(name)
    results = check_all([name], checking, {name: text})
    if not (checking.mends and checking.writes):
        return show(results, checking)
    result = results.specs[0]
    if result.shown:
        show_diagnostics(result.shown, result.state.texts)
    print_data(results.after.get(name, text), end="")
    return int(result.failed)
