"""``dlspec init``."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.output import say
from dlspec.cli.runs import reported

if TYPE_CHECKING:
    from dlspec.drafting.sample import Sample

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}\Z")
_SPEC = (".yaml", ".yml")
# The language's schema beside a spec, from the spec's folder: a path that holds on other machines, too.
_SCHEMA = ".dlspec/schema.json"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="DATA | SPEC")
@click.option(
    "--target", "targets", multiple=True, metavar="COLUMN", help="A column to predict; may stand several times."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="SPEC",
    help="The file to write; DATA's name with `.yaml` unless given.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@reported
def command(file: Path, targets: tuple[str, ...], output: Path | None, force: bool) -> None:
    """Write a first spec that trains as it is: for a table of yours, or an example to change.

    \b
    dlspec init houses.csv --target price   a spec for CSV, Parquet, JSON Lines or Excel
    dlspec init first.yaml                  an example, on data of scikit-learn

    Every choice has its reason beside it: what the columns are, what is left out and why, how the examples are
    divided, a model of fitting size. Without --target, the columns that could be one are listed.
    """
    if file.suffix.lower() in _SPEC:
        if targets or output:
            raise click.UsageError("--target and --output go with a file of data")
        _ready(file, force)
        _save(file, _starter(file))
        return
    spec = output or Path(f"{_spec_name(file.stem)}.yaml")
    _ready(spec, force)
    _save(spec, _drafted(file, spec, targets))


def _ready(spec: Path, force: bool) -> None:
    """The file may be written.

    Raises:
        click.BadParameter: Its name is none of a spec, or it exists.
    """
    if spec.suffix.lower() not in _SPEC or not _NAME.match(spec.stem):
        raise click.BadParameter("write a name of letters, digits and `_` that ends in .yaml", param_hint="SPEC")
    if spec.exists() and not force:
        raise click.BadParameter(f"`{spec}` exists; --force overwrites it", param_hint="SPEC")


def _save(spec: Path, text: str) -> None:
    _put(spec, text)
    schema = spec.parent / _SCHEMA
    if _put(schema, _schema()):
        say(f"wrote {schema}, by which editors complete and check specs")
    say(f"wrote {spec}; next: dlspec check {spec}, dlspec train {spec}")


def _put(path: Path, text: str) -> bool:
    """Writes a file, whose folder is made if need be; whether it was another one before."""
    from dlspec.core.files import is_file, write_atomically

    if is_file(path) and path.read_bytes() == text.encode():
        return False
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"cannot write `{path}`: {error.strerror}") from error
    return True


def _spec_name(stem: str) -> str:
    """The name of a spec for a file."""
    name = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")[:60]
    return name if _NAME.match(name) else f"table_{name}".rstrip("_")


def _schema() -> str:
    from dlspec.core import resources

    return resources.read("schemas", "spec.json")


def _starter(spec: Path) -> str:
    import jinja2

    from dlspec.core import resources

    text = resources.read("templates", "starter.yaml.jinja")
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True).from_string(text)
    return template.render(name=spec.stem, file=spec.name, schema=_SCHEMA)


def _drafted(file: Path, spec: Path, targets: Iterable[str]) -> str:
    """A spec for a table.

    Raises:
        Problem: The table cannot be read, or holds no such target.
    """
    from dlspec.drafting.draft import Draft
    from dlspec.drafting.sample import take_sample
    from dlspec.drafting.writing import text_of

    sample = take_sample(_path(file, spec), spec.parent)
    targets = list(targets) or [_asked(sample)]
    command = " ".join(
        ["dlspec init", shlex.quote(file.name), *(f"--target {shlex.quote(target)}" for target in targets)]
    )
    return text_of(Draft(spec.stem, sample, targets), schema=_SCHEMA, command=command)


def _path(file: Path, spec: Path) -> str:
    """The path of the data from the folder of the spec, as the spec writes it."""
    try:
        return file.resolve().relative_to(spec.parent.resolve()).as_posix()
    except ValueError:
        beside = file.parent / spec.name
        help = f"`--output {beside}` writes the spec beside them"
        raise click.UsageError(f"the data stand outside of the folder of `{spec}`; {help}") from None


def _asked(sample: Sample) -> str:
    """The column that somebody at a terminal chooses as the target; where nobody sits, the command ends with a list."""
    from dlspec.drafting.candidates import candidates, offer

    say("\n".join(offer(candidates(sample))))
    if not sys.stdin.isatty():
        raise click.UsageError("name what to predict: --target COLUMN")
    return str(click.prompt("predict", type=click.Choice(list(sample.columns)), show_choices=False))
