"""``dlspec show``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dlspec.cli.output import compiled, print_text, spec_argument


@click.command()
@spec_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the report.")
@click.option("--dump-ir", is_flag=True, help="Print the intermediate representation instead.")
def command(spec: Path, overrides: tuple[str, ...], allow_outside: bool, form: str, dump_ir: bool) -> None:
    """Show a model layer by layer: output shapes, parameters, FLOPs, memory.

    Nothing is built and TensorFlow is not imported. Counts are per example; one multiply-add is 2 FLOPs.
    """
    from dlspec.ir import print_graph
    from dlspec.report import facts, text_table

    state = compiled(spec, overrides, allow_outside)
    assert state.graph is not None
    if dump_ir:
        print_text(print_graph(state.graph))
        return
    report = facts(state.graph, state.name)
    print_text(json.dumps(report, indent=2) if form == "json" else text_table(report))
