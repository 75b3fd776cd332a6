"""``dlspec runs tag`` and ``note``: what a person says of runs, searches and studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from dlspec.cli.output import say
from dlspec.cli.runs import reported, run_argument
from dlspec.core.documents.notes import NOTES_FILE, Notes
from dlspec.core.documents.reading import document_text, read_notes
from dlspec.core.terminal import printable

_LONGEST = 60


@click.command(short_help="Give a run words by which it is found")
@run_argument()
@click.argument("tags", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take the tags away.")
@click.pass_obj
@reported
def tag(runs: Path, run: str, tags: tuple[str, ...], remove: bool) -> None:
    """Give RUN the TAGS, by which `dlspec runs --where tag=…` finds it and `prune` leaves it."""
    for text in tags:
        if not text.strip() or len(text) > _LONGEST or not text.isprintable():
            raise click.UsageError(f"a tag has 1 to {_LONGEST} printable characters")

    def changed(notes: Notes) -> Notes:
        kept = [text for text in notes["tags"] if text not in tags]
        added = [] if remove else [text for text in dict.fromkeys(tags) if text not in notes["tags"]]
        return {**notes, "tags": [*(kept if remove else notes["tags"]), *added]}

    folder, notes = _change(runs, run, changed)
    say(f"{folder}: {', '.join(notes['tags']) or 'no tags'}")


@click.command(short_help="Write a sentence about a run")
@run_argument()
@click.argument("text")
@click.pass_obj
@reported
def note(runs: Path, run: str, text: str) -> None:
    """Write TEXT about RUN in place of what was written before; "" takes it away."""
    folder, notes = _change(runs, run, lambda before: {**before, "note": " ".join(text.split())})
    say(f"{folder}: {printable(notes['note']) or 'no note'}")


def _change(runs: Path, run: str, change: Callable[[Notes], Notes]) -> tuple[Path, Notes]:
    """The folder that was meant, and what is written about it now."""
    from dlspec.core.files import write_atomically
    from dlspec.views.pages.listing import entries, named

    folder = named(run, entries(runs), runs).path
    notes = change(read_notes(folder))
    try:
        write_atomically(folder / NOTES_FILE, lambda file: file.write_text(document_text(notes), encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"`{folder / NOTES_FILE}` cannot be written: {error.strerror or error}") from error
    return folder, notes


NOTING = (tag, note)
