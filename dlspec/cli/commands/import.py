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
    "Write a spec for a model that is there",
    """
    dlspec import model.keras -o model.yaml    # also .h5, .json of to_json()
    dlspec import runs/digits/20261121T063412Z # the model of a run
    dlspec import keras.applications.ResNet50  # a model that Keras brings along
    dlspec import model.onnx -o model.yaml     # a spec with channels last, and weights
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
    """Write a spec for a model of Keras, or in ONNX, that was made elsewhere.

    Files are read as data: neither Keras nor any code in them runs. Of an ONNX file the weights are written beside
    the spec, as `NAME.weights.h5`. `keras.applications` starts TensorFlow and makes
    the model with random weights, to read its layers.
    """
    if output is not None:
        _ready(output, force)
    read = _application(source) or _onnx(source, output, force) or _file(Path(source))
    from dlspec.core.errors import Diagnostic
    from dlspec.drafting.models.drafting import drafted

    draft = drafted(read, flat=flat)
    if read.weights:
        draft = _with_weights(draft, read, output)
    elif read.path is not None:
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


def _with_weights(draft: Draft, source: Source, output: Path | None) -> Draft:
    """The draft with weights that are written beside it; a remark where it is only printed."""
    if output is None:
        draft.remarks.append("the weights are not written: `-o model.yaml` puts them beside the spec")
        return draft
    from dlspec.backends.importing.onnx.source import listed, write_weights
    from dlspec.core.files import write_atomically

    path = _weights_of(output)
    layers = listed(source, draft.order)
    try:
        write_atomically(path, lambda file: write_weights(file, layers))
    except OSError as error:
        raise click.ClickException(f"cannot write `{path}`: {error.strerror}") from error
    tensors = sum(len(arrays) for _, _, arrays in layers)
    say(f"wrote {path}: {tensors} tensors")
    return draft.starting(path.name)


def _weights_of(spec: Path) -> Path:
    """Where the weights of a model stand that is no file of Keras."""
    return spec.with_name(f"{spec.stem}.weights.h5")


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


def _onnx(source: str, output: Path | None, force: bool) -> Source | None:
    """The model in an ONNX file; None for any other source."""
    if Path(source).suffix.lower() != ".onnx":
        return None
    if output is not None and _weights_of(output).exists() and not force:
        raise click.BadParameter(f"`{_weights_of(output)}` exists; --force overwrites it", param_hint="--output")
    from dlspec.backends.importing.onnx.source import read_onnx_source

    return read_onnx_source(Path(source))


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
