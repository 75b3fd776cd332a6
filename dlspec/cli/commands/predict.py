"""``dlspec predict``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import code_allowed, code_option, print_data, say
from dlspec.cli.runs import reported, run_argument, runs_option
from dlspec.core.errors import Problem

if TYPE_CHECKING:
    from dlspec.training.predict import Predictions

_FORMS = (".csv", ".json", ".npz")
_STANDARD_INPUT = Path("-")
# How files begin that are no text; anything else is a table of text, as the training had.
_BEGINNINGS = {
    b"PAR1": ".parquet",
    b"PK\x03\x04": ".npz",
    b"\x93NUM": ".npy",
    b"\x1f\x8b": ".csv.gz",
    b"\x28\xb5\x2f\xfd": ".csv.zst",
    b"BZh": ".csv.bz2",
    b"[": ".json",
    b"{": ".jsonl",
}


def _target(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """A file that can be written, of a format that its name tells."""
    if path is None:
        return None
    if path.suffix.lower() not in _FORMS:
        raise click.BadParameter(f"the file's name must end in one of {', '.join(_FORMS)}")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder `{path.parent}`")
    return path


@helped(
    "Use a model",
    "Answer for new examples",
    """
    dlspec predict houses new.csv
    dlspec predict houses new.csv --keep id -o answers.csv
    cat new.csv | dlspec predict houses -
    dlspec predict digits a.png b.png
    """,
)
@run_argument()
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT...")
@click.option("-o", "--output", type=click.Path(path_type=Path), callback=_target, help="Write .csv, .json or .npz.")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN[,COLUMN …]",
    help="Columns of INPUT that stand before the answers, as an id.",
)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", help="What is printed without -o.")
@runs_option
@code_option
@reported
def command(
    run: str, inputs: tuple[Path, ...], output: Path | None, keep: tuple[str, ...], form: str, runs: Path
) -> None:
    """Let the model of RUN (a folder, an id, a name, or `latest`) answer for new examples.

    INPUT is a CSV, JSON or Parquet file, a NumPy archive, a folder of images, or images; `-` is what comes by standard
    input. It holds raw values, as the training data did; preparation is part of the model. Classes come by name, with
    their probabilities.
    """
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    for path in inputs:
        if path != _STANDARD_INPUT and not path.exists():
            raise Problem("E523", f"there is no file or folder `{path}`")
    saved = open_run(find_run(run, runs), allow_code=code_allowed())
    keep_inputs(output, [*inputs, saved.run.path, *inputs_of_spec(saved.state)])

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.training.predict import csv_text, json_text, predict

    with _one_source(inputs) as (path, places):
        predictions = predict(saved, path, places, say, keep)
        if output is not None:
            count = _write(predictions, output)
            say(f"wrote {count:,} prediction{'s' if count != 1 else ''} to {output}")
            return
        for text in csv_text(predictions) if form == "csv" else json_text(predictions):
            print_data(text, end="")


@contextmanager
def _one_source(inputs: tuple[Path, ...]) -> Iterator[tuple[Path, list[str]]]:
    """The input as one file or folder; single images and standard input are put into a temporary folder."""
    from dlspec.data.sources.pictures import SUFFIXES

    if inputs == (_STANDARD_INPUT,):
        with tempfile.TemporaryDirectory() as folder:
            yield _received(Path(folder)), []
        return
    images = [path for path in inputs if path.is_file() and path.suffix.lower() in SUFFIXES]
    if not images and len(inputs) == 1:
        yield inputs[0], []
        return
    if len(images) < len(inputs):
        raise Problem("E523", "several inputs must all be images", "give one table, archive or folder at a time")
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(images):
            shutil.copy(path, Path(folder) / f"{number:06d}-{path.name}")
        yield Path(folder), [str(path) for path in images]


def _received(folder: Path) -> Path:
    """Standard input as a file: all of it is looked at before the first answer.

    Raises:
        Problem: E523, nothing came.
    """
    stream = sys.stdin.buffer
    start = stream.read(1 << 16)
    if not start.strip():
        raise Problem("E523", "nothing came by standard input", "pipe a table into it, or name a file")
    bare = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    path = folder / f"stdin{next((end for mark, end in _BEGINNINGS.items() if bare.startswith(mark)), '.csv')}"
    with path.open("wb") as file:
        file.write(start)
        shutil.copyfileobj(stream, file, 1 << 20)
    return path


def _write(predictions: Iterator[Predictions], path: Path) -> int:
    """Writes all answers; how many there are."""
    from dlspec.core.files import write_atomically

    counts: list[int] = []

    def counted() -> Iterator[Predictions]:
        for piece in predictions:
            counts.append(len(piece.places))
            yield piece

    try:
        write_atomically(path, lambda file: _save(counted(), file))
    except OSError as error:
        raise click.ClickException(f"`{path}` cannot be written: {error.strerror}") from error
    return sum(counts)


def _save(predictions: Iterator[Predictions], file: Path) -> None:
    from dlspec.training.predict import csv_text, json_text, together

    if file.suffix.lower() == ".npz":
        import numpy as np

        with file.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **together(predictions))
        return
    with file.open("w", encoding="utf-8", newline="") as text:
        text.writelines(csv_text(predictions) if file.suffix.lower() == ".csv" else json_text(predictions))
