"""``dlspec import``."""
# ruff: noqa: N999 - a file has the name of its command

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import print_data, say, show_diagnostics
from dlspec.cli.runs import reported

if TYPE_CHECKING:
    from dlspec.backends.importing.archives import Source
    from dlspec.drafting.models.drafting import Draft

_APPLICATION = re.compile(r"keras\.applications\.([A-Z][A-Za-z0-9]*)\Z")
_SPEC = (".yaml", ".yml")


@helped(
    "Begin",
    "Write a spec for a model of Keras that is there",
    """
    dlspec import model.keras -o model.yaml    # also .h5, .json of to_json()
    dlspec import runs/digits/20261121T063412Z # the model of a run
    dlspec import keras.applications.ResNet50  # a model that Keras brings along
    """,
)
@click.argument("source", metavar="SOURCE")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="SPEC",
    help="The file to write; printed unless given.",
)
@click.option("--flat", is_flag=True, help="One line for each layer: no blocks, no repetition.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@reported
def command(source: str, output: Path | None, flat: bool, force: bool) -> int:
    """Write a spec for a model of Keras that was made elsewhere.

    Files are read as data: neither Keras nor any code in them runs. `keras.applications` starts TensorFlow and makes
    the model with random weights, to read its layers.
    """
    if output is not None:
        _ready(output, force)
    read = _application(source) or _file(Path(source))
    from dlspec.core.errors import Diagnostic
    from dlspec.drafting.models.drafting import drafted

    draft = drafted(read, flat=flat)
    if read.path is not None:
        draft = _started(draft, Path(source), output)
    if draft.remarks:
        show_diagnostics([Diagnostic("W801", remark) for remark in draft.remarks], {})
    if output is None:
        print_data(draft.text.rstrip("\n"))
        return 0
    _write(output, draft)
    return 0


def _started(draft: Draft, source: Path, output: Path | None) -> Draft:
    """The draft with the weights of the file; with a remark where they do not come along."""
    if draft.weighted:
        folder = output.parent if output is not None else Path()
        return draft.starting(Path(os.path.relpath(source, folder)).as_posix())
    if draft.weighted is False:
        draft.remarks.append("the weights of the file do not come along: not all of them fit in their order")
    return draft


def _ready(spec: Path, force: bool) -> None:
    if spec.suffix.lower() not in _SPEC:
        raise click.BadParameter("write a name that ends in .yaml", param_hint="--output")
    if spec.exists() and not force:
        raise click.BadParameter(f"`{spec}` exists; --force overwrites it", param_hint="--output")


def _write(output: Path, draft: Draft) -> None:
    from dlspec.core.files import write_atomically
    from dlspec.graph.facts import headline

    try:
        write_atomically(output, lambda path: path.write_text(draft.text, encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"cannot write `{output}`: {error.strerror}") from error
    lines = draft.text.count("\n")
    say(f"wrote {output}: {lines} lines, {headline(draft.graph)}; next: dlspec check {output}")


def _file(path: Path) -> Source:
    from dlspec.backends.importing.archives import read_source

    return read_source(path)


def _application(source: str) -> Source | None:
    """A model of `keras.applications`, made anew; None for any other source."""
    match = _APPLICATION.match(source)
    if match is None:
        return None
    say("starting TensorFlow …")
    from dlspec.backends.keras import starting

    starting.start()
    from dlspec.backends.importing.applications import read_application

    return read_application(match.group(1))
