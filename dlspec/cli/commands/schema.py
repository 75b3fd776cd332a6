"""``dlspec schema``."""

from __future__ import annotations

from pathlib import Path

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import code_option, print_data, show_diagnostics


@helped(
    "Write a spec",
    "Print the JSON schema of specs, for editors",
    """
    dlspec schema -o spec.schema.json
    dlspec schema --for digits.yaml      # with the names of this spec
    """,
)
@click.option("--for", "spec", type=click.Path(path_type=Path), metavar="SPEC", help="Add the names of this spec.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a file.")
@code_option
def command(spec: Path | None, output: Path | None) -> int:
    """Print the JSON schema of specs, by which editors complete and check them.

    With --for, it knows the blocks, models, parameters, names and own components of one spec, too. A first line
    `# yaml-language-server: $schema=FILE` in the spec names the schema to the editor.
    """
    from dlspec.core import resources

    text = resources.read("schemas", "spec.json")
    if spec is not None:
        own = _own(spec)
        if own is None:
            return 1
        text = own
    if output is None:
        print_data(text.rstrip("\n"))
        return 0
    from dlspec.core.files import write_atomically

    try:
        write_atomically(output, lambda file: file.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"`{output}` cannot be written: {error.strerror}") from error
    return 0


def _own(spec: Path) -> str | None:
    """The schema of a spec as JSON; None where it cannot be read, which is told."""
    import json

    from dlspec.cli.output import code_allowed
    from dlspec.passes import Workspace, compile_spec
    from dlspec.passes.state import Extended, Parsed
    from dlspec.semantics.schema.named import schema_of_spec

    state = compile_spec(spec, (), Workspace(None, False, code_allowed()), until=Extended)
    if not isinstance(state, Parsed):
        show_diagnostics(state.diagnostics.sorted(), state.texts)
        return None
    return json.dumps(schema_of_spec(state.data, state.catalogue.definitions), indent=1, ensure_ascii=False) + "\n"
