"""Options and helpers of the commands on finished runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dlspec.cli.output import say, show_diagnostics
from dlspec.core.errors import Note, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


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


def run_argument(name: str = "run") -> Callable[[F], F]:
    """An argument that names a run, which shells complete."""
    return click.argument(name, shell_complete=run_names)


def run_names(context: click.Context, _parameter: click.Parameter, written: str) -> list[CompletionItem]:
    """Names and ids of the runs in the folder of runs, and folders."""
    from click.shell_completion import CompletionItem

    from dlspec.views.pages.index import all_runs

    runs = all_runs(context.params.get("runs") or context.obj or Path("runs"))
    names = dict.fromkeys(["latest", *(run.path.parent.name for run in runs), *(run.id for run in runs)])
    return [*(CompletionItem(name) for name in names if name.startswith(written)), CompletionItem(written, type="dir")]


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
