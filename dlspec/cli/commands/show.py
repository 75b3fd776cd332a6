"""``dlspec show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import Command, helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import code_allowed, compiled, print_document, print_text, say, show_diagnostics, spec_argument

if TYPE_CHECKING:
    from dlspec.passes.state import Checked, Compilation


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


def _pass(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """The name of a pass, or "" for the graph alone."""
    if name:
        from dlspec.passes import PASSES

        names = [run.__name__ for run in PASSES]
        if name not in names:
            raise click.BadParameter(f"there is no pass `{name}`; the passes are " + ", ".join(f"`{n}`" for n in names))
    return name


class _Show(Command):
    """Takes `--dump-ir` alone as well; click itself would take the word behind it for the name of a pass."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Like click, but `--dump-ir` may stand without a value."""
        return super().parse_args(ctx, ["--dump-ir=" if argument == "--dump-ir" else argument for argument in args])


_FILE = click.Path(path_type=Path)


@helped(
    "Write a spec",
    "Show a model: shapes, parameters, FLOPs, memory, a picture",
    """
    dlspec show digits.yaml
    dlspec show digits.yaml --set params.width=128
    dlspec show digits.yaml --html model.html
    """,
    cls=_Show,
)
@spec_argument
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the report.")
@click.option(
    "--dump-ir",
    metavar="[=PASS]",
    callback=_pass,
    help="Print the intermediate representation instead: the graph, or all that is known after PASS.",
)
@click.option("--svg", type=_FILE, metavar="FILE", callback=_picture_file, help="Draw the model into FILE instead.")
@click.option(
    "--html", type=_FILE, metavar="FILE", callback=_picture_file, help="Write a page with picture and table instead."
)
def command(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    form: str,
    dump_ir: str | None,
    svg: Path | None,
    html: Path | None,
) -> int:
    """Show a model layer by layer: output shapes, parameters, FLOPs, memory.

    Nothing is built and TensorFlow is not imported. Counts are per example; one multiply-add is 2 FLOPs.
    """
    if dump_ir is not None and form != "text":
        raise click.UsageError("--dump-ir is text: leave --format out")
    if dump_ir:
        return _dump(spec, overrides, allow_outside, dump_ir)

    from dlspec.core.ir import print_graph
    from dlspec.graph.facts import facts, text_table

    state = compiled(spec, overrides, allow_outside, expecting=False)
    for option, path in (("--svg", svg), ("--html", html)):
        keep_inputs(path, inputs_of_spec(state), option)
    if svg or html:
        _draw(state, svg, html)
    if dump_ir is not None:
        print_text(print_graph(state.training_graph))
    elif not (svg or html):
        report = facts(state.training_graph, state.name, state.adapted)
        print_document(report) if form == "json" else print_text(text_table(report))
    return 0


def _dump(spec: Path, overrides: tuple[str, ...], allow_outside: bool, name: str) -> int:
    """Prints the state of the compilation after a pass, whether or not the spec has errors."""
    from dlspec.passes import Pass, Workspace, compile_spec
    from dlspec.views.intermediate import print_state

    printed: list[str] = []

    def observe(run: Pass, state: Compilation) -> None:
        if run.__name__ == name:
            printed.append(print_state(state))

    state = compile_spec(spec, overrides, Workspace(None, allow_outside, code_allowed(), announce=say), observe=observe)
    for text in printed:
        print_text(text)
    if state.diagnostics.items:
        show_diagnostics(state.diagnostics.sorted(), state.texts)
    if not printed:
        say(f"pass `{name}` did not run: an error, or a section that the spec lacks, leaves it nothing to work on")
    return int(bool(state.diagnostics.errors))


def _draw(state: Checked, svg: Path | None, html: Path | None) -> None:
    from dlspec.core.files import write_atomically
    from dlspec.views import drawing

    description = state.data.get("description")
    description = description if isinstance(description, str) else ""
    for path, draw in ((svg, drawing.svg), (html, drawing.page)):
        if path is None:
            continue
        text = draw(state.training_graph, state.name, description)
        try:
            write_atomically(path, lambda file, text=text: file.write_text(text, encoding="utf-8"))  # type: ignore[misc]
        except OSError as error:
            raise click.ClickException(f"`{path}` cannot be written: {error.strerror}") from error
        say(f"wrote {path}")
