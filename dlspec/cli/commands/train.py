"""``dlspec train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from dlspec.cli.output import compiled, print_text, show_diagnostics, spec_argument
from dlspec.errors import Diagnostic, Problem, SpecError
from dlspec.passes.state import Compilation
from dlspec.tree import place


@click.command()
@spec_argument
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Folder of all runs.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(spec: Path, overrides: tuple[str, ...], allow_outside: bool, runs: Path, quiet: bool) -> int:
    """Train a spec and write a run folder.

    The folder RUNS/NAME/ID holds the resolved spec, metrics.csv with a line per epoch, the model of the best epoch
    (model.keras, preparation included) and report.json. The table at the end repeats the report's figures.
    """
    state = compiled(spec, overrides, allow_outside)
    _require(state)
    try:
        report = _train(state, runs, quiet, _command(spec, overrides, allow_outside, runs))
    except SpecError as error:
        show_diagnostics(error.diagnostics, state.texts)
        return 1
    except Problem as problem:
        assert state.data is not None
        # A run folder that cannot be made (E507) is no mistake of the spec, and has no place in it.
        span = place(state.data, "train") if problem.code != "E507" else None
        show_diagnostics([Diagnostic(problem.code, problem.message, span, problem.help)], state.texts)
        return 1
    print_text(report.table())
    return 0


def _require(state: Compilation) -> None:
    """Training needs both sections; says so before TensorFlow starts."""
    assert state.data is not None
    problems = [
        Diagnostic("E105", f"the spec has no `{section}`, which training needs", None, f"write a section `{section}:`")
        for section in ("data", "train")
        if section not in state.data
    ]
    if problems:
        show_diagnostics(problems, state.texts)
        raise click.exceptions.Exit(1)


def _train(state: Compilation, runs: Path, quiet: bool, repeat: str) -> Any:
    from rich.console import Console

    console = None if quiet else Console(stderr=True)
    if console is not None:
        console.print("starting TensorFlow …", highlight=False)

    from dlspec.cli import backend

    backend.start()

    from dlspec.build import build
    from dlspec.dumping import dump
    from dlspec.runner.train import run

    graph, data, method = state.graph, state.data_section, state.method
    assert graph is not None and data is not None and method is not None and state.data is not None
    return run(
        lambda: build(graph),
        data,
        method,  # type: ignore[arg-type]
        folder=state.path.parent,
        spec_text=dump(state.data),
        name=state.name,
        runs=runs,
        console=console,
        command=repeat,
        allow_outside=state.allow_outside,
        graph=graph,
    )


def _command(spec: Path, overrides: tuple[str, ...], allow_outside: bool, runs: Path) -> str:
    words = ["dlspec", "train", str(spec)]
    for setting in overrides:
        words += ["--set", setting]
    if allow_outside:
        words.append("--allow-outside")
    if runs != Path("runs"):
        words += ["--runs", str(runs)]
    return shlex.join(words)
