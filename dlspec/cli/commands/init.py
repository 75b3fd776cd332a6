"""``dlspec init``."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import say
from dlspec.cli.runs import reported

if TYPE_CHECKING:
    from dlspec.drafting.sample import Sample

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}\Z")
_SPEC = (".yaml", ".yml")
# The language's schema beside a spec, from the spec's folder: a path that holds on other machines, too.
_SCHEMA = ".dlspec/schema.json"


@helped(
    "Begin",
    "Write a first spec that trains as it is, from your data",
    """
    dlspec init houses.csv --target price      # CSV, Parquet, JSON Lines, Excel
    dlspec init photos                         # folders of images, sounds, texts
    dlspec init waves.npz --target kind        # arrays
    dlspec init talks.txt --target topics.txt  # lines of text, classes beside them
    dlspec init first.yaml                     # an example, on data of scikit-learn
    """,
)
@click.argument("file", type=click.Path(path_type=Path), metavar="DATA | SPEC")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="A column to predict; may stand several times. Of lines of text, a file whose lines say what each one is.",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression", "forecast"]),
    help="What the target is, where its values would say otherwise; `forecast`: what comes next in time.",
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
def command(file: Path, targets: tuple[str, ...], task: str | None, output: Path | None, force: bool) -> None:
    """Write a first spec that trains as it is: for data of yours, or an example to change.

    Every choice has its reason beside it: what the columns are, what is left out and why, how the examples are
    divided, a model of fitting size. Without --target, the columns that could be one are listed.
    """
    if file.suffix.lower() in _SPEC:
        if targets or output or task:
            raise click.UsageError("--target, --task and --output go with data")
        _ready(file, force)
        _save(file, _starter(file))
        return
    spec = output or Path(f"{_spec_name(file.stem if not file.is_dir() else file.resolve().name)}.yaml")
    _ready(spec, force)
    _save(spec, _drafted(file, spec, targets, task))


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


def _drafted(file: Path, spec: Path, targets: Sequence[str], task: str | None) -> str:
    """A spec for somebody's data.

    Raises:
        Problem: They cannot be read, or hold no such target.
    """
    from dlspec.drafting.first import first_spec
    from dlspec.drafting.sample import take_sample

    path, classes = _path(file, spec), ""
    if len(targets) == 1 and file.suffix.lower() == ".txt" and (file.parent / targets[0]).is_file():
        classes = (Path(path).parent / targets[0]).as_posix()
    sample = take_sample(path, spec.parent, classes)
    columns = [Path(classes).stem] if classes else list(targets) or [sample.label or _asked(sample)]
    asked = targets if classes else columns if columns != [sample.label] or targets else []
    parts = ["dlspec init", shlex.quote(file.name), *(f"--target {shlex.quote(target)}" for target in asked)]
    command = " ".join(parts + ([f"--task {task}"] if task else []))
    return first_spec(spec.stem, sample, columns, task or "", schema=_SCHEMA, command=command)


def _path(file: Path, spec: Path) -> str:
    """The path of the data from the folder of the spec, as the spec writes it."""
    try:
        return file.resolve().relative_to(spec.parent.resolve()).as_posix()
    except ValueError:
        beside = file.parent / spec.name
        help = f"`--output {beside}` writes the spec beside them"
        raise click.UsageError(f"the data stand outside of the folder of `{spec}`; {help}") from None


def _asked(sample: Sample) -> str:
    """The column that somebody at a terminal chooses as the target; where nobody sits, the command ends with a list.

    Raises:
        Problem: E602, there is none to choose.
    """
    from dlspec.drafting.candidates import candidates, check_any, offer

    pairs = candidates(sample)
    check_any(sample, pairs)
    say("\n".join(offer(pairs)))
    if not sys.stdin.isatty():
        raise click.UsageError("name what to predict: --target COLUMN")
    return str(click.prompt("predict", type=click.Choice([*sample.columns, *sample.arrays]), show_choices=False))
