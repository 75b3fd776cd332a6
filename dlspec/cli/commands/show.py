"""``dlspec show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import compiled, print_as, print_text, say, spec_argument

if TYPE_CHECKING:
    from dlspec.passes.state import Compilation


def _picture_file(_context: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A file that can be written and is what its name says."""
    suffix = f".{parameter.name}"
    if path is None:
        return None
    if path.suffix.lower() != suffix:
        raise click.BadParameter(f"the file's name must end in `{suffix}`")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder `{path.parent}`")
    if path.is_dir():
        raise click.BadParameter(f"`{path}` is a folder")
    return path


_FILE = click.Path(path_type=Path)


@click.command()
@spec_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the report.")
@click.option("--dump-ir", is_flag=True, help="Print the intermediate representation instead.")
@click.option("--svg", type=_FILE, metavar="FILE", callback=_picture_file, help="Draw the model into FILE instead.")
@click.option(
    "--html", type=_FILE, metavar="FILE", callback=_picture_file, help="Write a page with picture and table instead."
)
def command(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    form: str,
    dump_ir: bool,
    svg: Path | None,
    html: Path | None,
) -> None:
    """Show a model layer by layer: output shapes, parameters, FLOPs, memory.

    Nothing is built and TensorFlow is not imported. Counts are per example; one multiply-add is 2 FLOPs.
    """
    if dump_ir and form != "text":
        raise click.UsageError("--dump-ir is text: leave --format out")

    from dlspec.core.ir import print_graph
    from dlspec.graph.facts import facts, text_table

    state = compiled(spec, overrides, allow_outside, expecting=False)
    assert state.graph is not None
    for option, path in (("--svg", svg), ("--html", html)):
        keep_inputs(path, inputs_of_spec(state), option)
    if svg or html:
        _draw(state, svg, html)
    if dump_ir:
        print_text(print_graph(state.graph))
    elif not (svg or html):
        report = facts(state.graph, state.name)
        print_as(form, json.dumps(report, indent=2) if form == "json" else text_table(report))


def _draw(state: Compilation, svg: Path | None, html: Path | None) -> None:
    from dlspec.core.files import write_atomically
    from dlspec.views import drawing

    assert state.graph is not None and state.data is not None
    description = state.data.get("description")
    description = description if isinstance(description, str) else ""
    for path, draw in ((svg, drawing.svg), (html, drawing.page)):
        if path is None:
            continue
        text = draw(state.graph, state.name, description)
        try:
            write_atomically(path, lambda file, text=text: file.write_text(text, encoding="utf-8"))  # type: ignore[misc]
        except OSError as error:
            raise click.ClickException(f"`{path}` cannot be written: {error.strerror}") from error
        say(f"wrote {path}")
