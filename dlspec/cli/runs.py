"""Options and helpers of the commands on finished runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from dlspec.cli.output import say, show_diagnostics
from dlspec.core.errors import Note, Problem


def runs_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--runs``: the folder of all runs."""
    option = click.option(
        "--runs",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("runs"),
        show_default=True,
        help="Folder of all runs.",
    )
    return option(function)


def reported(function: Callable[..., Any]) -> Callable[..., Any]:
    """Problems that have no place in a spec are shown as diagnostics, and the exit code is 1."""

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except Problem as problem:
            notes = (Note(f"found in {problem.where}"),) if problem.where else ()
            show_diagnostics([problem.at(None, notes)], {})
            raise click.exceptions.Exit(1) from problem

    return call


def keep_in_run(folder: Path, files: Mapping[str, str]) -> None:
    """Writes what a command found about a run into its folder; where that fails, it says so, and nothing else stops.

    Args:
        folder: The run folder.
        files: Texts by the name of their file.
    """
    from dlspec.core.files import write_atomically

    for name, text in files.items():
        try:
            write_atomically(folder / name, functools.partial(Path.write_text, data=text, encoding="utf-8"))
        except OSError as error:
            say(f"`{folder / name}` cannot be written: {error.strerror or error}")
