"""``dlspec lsp``."""

from __future__ import annotations

import click

from dlspec.cli.helping import helped


@helped(
    "Write a spec",
    "Serve an editor while a spec is written",
)
@click.option(
    "--stdio", is_flag=True, help="Speak over standard input and output: the only way, so it may be left out."
)
def command(stdio: bool) -> None:
    """Serve an editor: problems, figures, names and completions of a spec while it is written.

    Speaks the Language Server Protocol; docs/editors.md says how an editor starts it. No code of a spec is run.
    """
    try:
        from dlspec.cli.editor.starting import server
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise click.ClickException("`dlspec lsp` needs pygls: pip install 'dlspec[lsp]'") from error

    server().start_io()
