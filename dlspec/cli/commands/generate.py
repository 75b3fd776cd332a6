"""``dlspec generate``."""

from __future__ import annotations

from pathlib import Path

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import print_document, print_text
from dlspec.cli.runs import reported, run_argument, runs_option

_MOST = 100_000
_FORMS = ("png", "wav", "csv", "jsonl", "npz")


def _folder(_context: click.Context, _parameter: click.Parameter, path: Path) -> Path:
    """A folder that is new or empty, so that nothing is overwritten."""
    if path.is_dir() and any(path.iterdir()):
        raise click.BadParameter(f"`{path}` is not empty; name a new folder")
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder `{path.parent}`")
    return path


@helped(
    "Use a model",
    "Make new pictures, sounds, tables or texts",
    """
    dlspec generate digits_gan --count 16
    dlspec generate digits_gan --where label=3 --seed 1
    dlspec generate char_gpt --where text='The '
    """,
)
@run_argument()
@click.option("--count", type=click.IntRange(1, _MOST), default=16, show_default=True, help="How many examples.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help="What is drawn follows from it; that of RUN unless given."
)
@click.option("--where", multiple=True, metavar="INPUT=VALUE", help="An input of the model, for all examples.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("generated"),
    show_default=True,
    callback=_folder,
    help="A new folder for the files.",
)
@click.option("--as", "kind", type=click.Choice(_FORMS), help="Form of the files; what suits each output unless given.")
@click.option("--rate", type=click.IntRange(1), default=16000, show_default=True, help="Samples of sounds in a second.")
@runs_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of what is printed.")
@reported
def command(
    run: str,
    count: int,
    seed: int | None,
    where: tuple[str, ...],
    output: Path,
    kind: str | None,
    rate: int,
    runs: Path,
    form: str,
) -> None:
    """Let the model of RUN (a folder, an id, a name, or `latest`) make new examples of its own.

    The outputs are computed that need nothing but inputs that are drawn, or given by --where; a model whose spec has a
    section `generate` writes texts, behind one that --where gives. Pictures are written as
    PNG with a sheet of all, sounds as WAV, all else as a table or as lines of JSON. The same seed gives the same files.
    """
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    saved = open_run(find_run(run, runs))

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.core.files import write_folder_atomically
    from dlspec.training.example_files import write_examples
    from dlspec.training.generate import generate, named_values

    examples = generate(saved, count, seed, named_values(where))
    forms: dict[str, str] = {}

    def write(folder: Path) -> None:
        folder.mkdir()
        forms.update(write_examples(folder, examples, kind, rate))

    try:
        write_folder_atomically(output, write)
    except OSError as error:
        raise click.ClickException(f"`{output}` cannot be written: {error.strerror}") from error
    files = sorted(path.name for path in output.iterdir())
    if form == "json":
        print_document({"run": saved.run.id, "folder": str(output), "count": count, "forms": forms, "files": files})
        return
    names = ", ".join(f"`{name}` as {written_as}" for name, written_as in forms.items())
    written = f"{len(files):,} file{'s' if len(files) > 1 else ''}"
    print_text(f"{count:,} example{'s' if count > 1 else ''} of {names}: {written} in {output}")
