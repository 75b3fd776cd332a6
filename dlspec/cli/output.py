"""What the commands share: options, colour, and how a compilation's diagnostics are shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from dlspec.cli.render import FORMATS, render, summary
from dlspec.errors import Diagnostic
from dlspec.passes.state import Compilation

_ALLOW_CODE = "dlspec.allow_code"
F = TypeVar("F", bound=Callable[..., Any])


def spec_argument(function: F) -> F:
    """The argument SPEC with the options that change how it is read."""
    function = click.option("--allow-outside", is_flag=True, help="Let the spec read files outside of its own folder.")(
        function
    )
    function = click.option(
        "--allow-code",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Let the spec run the Python code that its `extensions` name.",
    )(function)
    function = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a key, e.g. --set train.epochs=5 (repeatable).",
    )(function)
    return click.argument("spec", type=click.Path(path_type=Path))(function)


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Keeps a flag for :func:`code_allowed`, so that commands need not hand it on."""
    context.meta[_ALLOW_CODE] = value


def code_allowed() -> bool:
    """Whether the user of this command lets specs run code."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_ALLOW_CODE))


def format_option(function: F) -> F:
    """``--format`` for diagnostics."""
    option = click.option(
        "--format", "form", type=click.Choice(FORMATS), default="text", help="Form of the diagnostics."
    )
    return option(function)


def wants_colour(stream: Any) -> bool:
    """Whether to paint: NO_COLOR and FORCE_COLOR decide, then whether `stream` is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def compiled(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    home: Path | None = None,
    *,
    keeps_data: bool = False,
) -> Compilation:
    """A checked spec; shows its diagnostics on stderr and exits with 1 where it has errors.

    Args:
        home: The folder where the spec's paths start; that of the file unless given.
        keeps_data: Whether the data that are read stay in memory, for the training that follows.
    """
    from dlspec.passes import compile_spec

    state = compile_spec(spec, overrides, allow_outside, code_allowed(), home, keeps_data=keeps_data)
    if state.diagnostics.items:
        show_diagnostics(state.diagnostics.sorted(), state.texts)
    if state.diagnostics.errors:
        raise click.exceptions.Exit(1)
    return state


def show_diagnostics(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """Diagnostics as text on stderr, followed by their number."""
    click.echo(render(diagnostics, texts, "text", wants_colour(sys.stderr)), err=True, color=True)
    click.echo(f"\n{summary(diagnostics)}", err=True)


def print_text(text: str) -> None:
    """A result on stdout; colours survive only where :func:`wants_colour` put them."""
    click.echo(text, color=True)
