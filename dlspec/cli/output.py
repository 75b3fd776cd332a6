"""Options, colour and the display of diagnostics, for all commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

from dlspec.cli.render import FORMATS, render, summary
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.core.terminal import printable, printable_lines
from dlspec.core.tree import span_of
from dlspec.core.workspace import Workspace
from dlspec.passes.state import Checked, Compilation, Lowered, Parsed, Resolved

if TYPE_CHECKING:
    from rich.console import Console

_ALLOW_CODE = "dlspec.allow_code"
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def spec_argument(function: F) -> F:
    """The argument SPEC with the options that change how it is read."""
    return click.argument("spec", type=click.Path(path_type=Path))(spec_options(function))


def code_option(function: F) -> F:
    """``--allow-code``, which :func:`code_allowed` tells."""
    return click.option(
        "--allow-code",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Let the spec run the Python code that its `extensions` name.",
    )(function)


def spec_options(function: F) -> F:
    """The options that change how a spec is read."""
    function = click.option("--allow-outside", is_flag=True, help="Let the spec read files outside of its own folder.")(
        function
    )
    function = code_option(function)
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a key, e.g. --set train.epochs=5 (repeatable).",
    )(function)


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
    expecting: bool = True,
    models: Path | None = None,
    spare_models: Callable[[Compilation], Path | None] | None = None,
) -> Checked:
    """A checked spec; shows its diagnostics on stderr and exits with 1 where it has errors.

    Args:
        home: The folder where the spec's paths start; that of the file unless given.
        keeps_data: Whether the data that are read stay in memory, for the training that follows.
        expecting: Whether what `expect` says must hold; otherwise what does not is a remark on stderr.
        models: The folder with copies of the files that models were read from.
        spare_models: Finds the folder with such copies, for a spec that lacks a file.
    """
    from dlspec.passes import Reading, compile_spec

    workspace = Workspace(home, allow_outside, code_allowed(), models=models, announce=say)
    state = compile_spec(spec, overrides, workspace, reading=Reading(keeps=keeps_data))
    if spare_models is not None and any(item.code == "E601" for item in state.diagnostics.errors):
        workspace = replace(workspace, spare_models=spare_models(state))
        state = compile_spec(spec, overrides, workspace, reading=Reading(keeps=keeps_data))
        _say_copies(state, workspace.spare_models)
    remarks = [] if expecting else [item for item in state.diagnostics.items if item.code == "E413"]
    state.diagnostics.items = [item for item in state.diagnostics.items if item not in remarks]
    if state.diagnostics.items:
        show_diagnostics(state.diagnostics.sorted(), state.texts)
    if state.diagnostics.errors or not isinstance(state, Lowered):
        raise click.exceptions.Exit(1)
    for item in remarks:
        click.echo(printable(f"not as `expect` says: {item.message}"), err=True)
    return state if isinstance(state, Checked) else state.become(Checked)


def _say_copies(state: Compilation, folder: Path | None) -> None:
    """Names the files of models that are gone, and whose copies in a folder are read."""
    for model in state.saved_models.values() if isinstance(state, Resolved) else ():
        if model.origin is not None and model.origin.path.parent == folder:
            say(f"`{model.origin.shown}` is gone: its copy in {folder} is read")


def required(state: Checked, stage: Callable[[Checked], T]) -> T:
    """The state narrowed to a stage that a command needs; prints the missing section and exits with 1 otherwise.

    Args:
        stage: :meth:`Checked.trainable`, say.
    """
    try:
        return stage(state)
    except SpecError as error:
        show_diagnostics(error.diagnostics, state.texts)
        raise click.exceptions.Exit(1) from error


def show_diagnostics(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
    """Diagnostics as text on stderr, followed by their number."""
    _to_stderr(render(diagnostics, texts, "text", wants_colour(sys.stderr)))
    say(f"\n{summary(diagnostics)}")


def show_problem(problem: Problem, state: Parsed, section: str) -> None:
    """A problem that arose at work: at a section of the spec, where its code is one of specs."""
    from dlspec.core.codes import of_spec

    span = span_of(state.data, section) if of_spec(problem.code) else None
    show_diagnostics([problem.at(span)], state.texts)


def print_text(text: str) -> None:
    """A result for people on stdout: no control character of a data file or a file name reaches a terminal."""
    _to_stdout(printable_lines(text))


def print_painted(text: str) -> None:
    """A result that is safe already, with the colours that :func:`wants_colour` allowed."""
    _to_stdout(text)


def print_data(text: str, end: str = "\n") -> None:
    """A result for programs (JSON, CSV, Python) on stdout: as it is, unless people look at it on a terminal."""
    _to_stdout(printable_lines(text) if sys.stdout.isatty() else text, end)


def print_document(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """A result for programs as JSON; its type is in :mod:`dlspec.core.documents.printed`."""
    from dlspec.core.documents.reading import document_text

    print_data(document_text(document), end="")


def say(text: str) -> None:
    """Something that people should know, on stderr."""
    _to_stderr(printable_lines(text))


def progress_console() -> Console:
    """The console on stderr that shows progress; work goes on when nobody reads it any more, or the disk is full."""
    from rich.console import Console

    return Console(file=cast("TextIO", _Forgiving()))


class _Forgiving:
    """The stderr of this process; what cannot be written is given up."""

    def write(self, text: str) -> int:
        with forgiven(sys.stderr):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with forgiven(sys.stderr):
            sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


@contextmanager
def forgiven(stream: TextIO) -> Iterator[None]:
    """A stream that takes no more is closed in silence: without, Python would fail once more when it ends."""
    try:
        yield
    except OSError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Lets whatever else is written to `stream` vanish."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _to_stdout(text: str, end: str = "\n") -> None:
    try:
        click.echo(text + end, nl=False, color=True)
    except BrokenPipeError:
        raise  # whoever read it has seen enough
    except OSError as error:
        silence(sys.stdout)
        raise click.ClickException(f"the output cannot be written: {error.strerror}") from error


def _to_stderr(text: str) -> None:
    with forgiven(sys.stderr):
        click.echo(text, err=True, color=True)
