"""``dlspec init``."""

from __future__ import annotations

import re
from pathlib import Path

import click

from dlspec.cli.output import say

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}\Z")


@click.command()
@click.argument("spec", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(spec: Path, force: bool) -> None:
    """Write a first spec that trains as it is, with the line that tells editors its schema.

    SPEC is the file to write, e.g. first.yaml; its stem becomes the name of the model.
    """
    if spec.suffix not in (".yaml", ".yml") or not _NAME.match(spec.stem):
        raise click.BadParameter("write a name of letters, digits and `_` that ends in .yaml", param_hint="SPEC")
    if spec.exists() and not force:
        raise click.BadParameter(f"`{spec}` exists; --force overwrites it", param_hint="SPEC")
    try:
        _write(spec)
    except OSError as error:
        raise click.ClickException(f"cannot write `{spec}`: {error.strerror}") from error
    say(f"wrote {spec}; next: dlspec check {spec}")


def _write(spec: Path) -> None:
    import jinja2

    from dlspec.core import resources
    from dlspec.core.files import write_atomically

    text = resources.read("templates", "starter.yaml.jinja")
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True).from_string(text)
    schema = (resources.folder("schemas") / "spec.json").as_posix()
    rendered = template.render(name=spec.stem, file=spec.name, schema=schema)
    write_atomically(spec, lambda path: path.write_text(rendered, encoding="utf-8"))
