"""``dlspec check``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.output import (
    code_allowed,
    format_option,
    print_data,
    print_painted,
    print_text,
    spec_argument,
    wants_colour,
)
from dlspec.cli.render import render, summary

if TYPE_CHECKING:
    from dlspec.passes.state import Lowered


@click.command()
@spec_argument
@format_option
def command(spec: Path, overrides: tuple[str, ...], allow_outside: bool, form: str) -> int:
    """Check a spec: everything that can be known without TensorFlow.

    Prints every error with its place and the way to mend it. Exit code 0 means that the model builds.
    """
    from dlspec.graph.facts import headline
    from dlspec.passes import Checked, Workspace, compile_spec

    state = compile_spec(spec, overrides, Workspace(None, allow_outside, code_allowed()))
    diagnostics = state.diagnostics.sorted()
    failed = not isinstance(state, Checked)
    if form != "text":
        text = render(diagnostics, state.texts, form)
        if text:
            print_data(text)
        return int(failed)
    if diagnostics:
        print_painted(render(diagnostics, state.texts, form, wants_colour(sys.stdout)) + "\n")
    if not isinstance(state, Checked):
        print_text(f"{spec}: {summary(diagnostics)}")
        return 1
    warned = f" ({summary(diagnostics)})" if diagnostics else ""
    print_text(f"{spec}: ok{warned}, {headline(state.training_graph)}{_training(state)}")
    if state.start is not None and state.method is not None:
        print_text(f"{spec}: start_from: {state.start.describe(state.method.start_from.file)}")
    return 0


def _training(state: Lowered) -> str:
    """A sentence on the memory that training takes, where that is more than any machine has."""
    from dlspec.core.ir import show_bytes
    from dlspec.graph.needs import NO_MATTER
    from dlspec.passes.memory import training_needs

    need = training_needs(state)
    return "" if need is None or need.total < NO_MATTER else f"; training takes {show_bytes(need.total)} at least"
