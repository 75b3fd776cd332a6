"""``dlspec saliency``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import code_allowed, code_option, print_document, print_text
from dlspec.cli.runs import keep_in_run, reported, run_argument, runs_option

if TYPE_CHECKING:
    from dlspec.core.documents.figures import Saliency
    from dlspec.views.pages.index import Run

_PARTS = ("train", "validation", "test")
_STRONGEST = 6


@helped(
    "Look at a run",
    "Show what in pictures or texts the answers follow from",
    """
    dlspec saliency digits --count 8
    """,
)
@run_argument()
@click.option("--of", "output", help="The output; that of the model, or its first one that fits, unless given.")
@click.option("--input", "input_", help="The input; the only picture or text unless given.")
@click.option("--layer", help="For Grad-CAM; the last convolution before the output unless given.")
@click.option(
    "--count", type=click.IntRange(1, 100), default=4, show_default=True, help="Right answers, and wrong ones."
)
@click.option("--data", type=click.Path(path_type=Path), help="New examples, of which the first are looked at.")
@click.option("--part", type=click.Choice(_PARTS), help="This split; test unless given, validation without one.")
@runs_option
@code_option
@click.option("--allow-outside", is_flag=True, help="Let the spec read files outside of its own folder.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the figures.")
@reported
def command(
    run: str,
    output: str | None,
    input_: str | None,
    layer: str | None,
    count: int,
    data: Path | None,
    part: str | None,
    runs: Path,
    allow_outside: bool,
    form: str,
) -> None:
    """Show what answers of RUN follow from: a folder, an id, a name, or `latest`.

    Of the worst wrong answers and of some right ones to the test split: of a picture the pixels by which the score of
    the answer changes most (saliency), and where the last convolution finds what speaks for it (Grad-CAM); of a text
    by how much the score falls without each word. Written into the run folder as saliency.html and saliency.json.
    """
    if data is not None and part is not None:
        raise click.UsageError("--part is about the run's own data: leave it out with --data")
    from dlspec.training.asking import answer_saliency
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    saved = open_run(find_run(run, runs), allow_outside=allow_outside, allow_code=code_allowed())
    figure = answer_saliency(saved, output, input_, layer, count)

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.training.saliency import of_run

    facts = of_run(saved, figure, data, part)
    _write(saved.run, facts)
    print_document(facts) if form == "json" else print_text(_text(saved.run, facts))


def _write(run: Run, facts: Saliency) -> None:
    """The page and the facts, in the run folder; where nothing can be written there, the figures are told anyway."""
    from dlspec.core.documents.reading import document_text
    from dlspec.views.pages.saliency import FACTS_FILE, PAGE_FILE
    from dlspec.views.pages.saliency_page import saliency_page

    keep_in_run(run.path, {FACTS_FILE: document_text(facts), PAGE_FILE: saliency_page(run.name, run.path, facts)})


def _text(run: Run, facts: Saliency) -> str:
    from dlspec.core.terminal import table
    from dlspec.views.pages.saliency import PAGE_FILE, rows

    listed = rows(facts)
    head = [title if isinstance(title, str) else title[0] for title in listed["head"]]
    lines = table([head, *listed["rows"]], numbers=[3])
    for item in facts["examples"]:
        if item["words"]:
            words = sorted(item["words"], key=lambda word: -abs(word["change"]))[:_STRONGEST]
            shown = ", ".join(f"{word['word']} {word['change']:+.3g}" for word in words)
            lines.append(f"{item['where']}: {shown}")
    return "\n".join([*lines, "", f"the same with what they follow from: {run.path / PAGE_FILE}"])
