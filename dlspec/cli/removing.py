"""``dlspec runs delete`` and ``prune``: they list what would go, and ask."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dlspec.cli.output import print_text, say
from dlspec.cli.runs import reported, run_names
from dlspec.core.errors import Problem
from dlspec.core.ir import show_bytes
from dlspec.core.terminal import printable, table
from dlspec.views.pages.listing import Entry, absolute, entries, named, selected

_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command(short_help="Delete runs, after asking")
@click.argument("names", metavar="RUN...", nargs=-1, required=True, shell_complete=run_names)
@_YES
@click.pass_obj
@reported
def delete(runs: Path, names: tuple[str, ...], yes: bool) -> None:
    """Delete the folders of RUNs, searches or studies: by folder, id or the beginning of one."""
    listed = entries(runs)
    chosen = list(dict.fromkeys(named(called, listed, runs, exact=True).path for called in names))
    _remove([entry for entry in listed if entry.path in chosen], listed, yes)


@click.command(short_help="Delete old or failed runs, after asking")
@click.option("--where", "conditions", multiple=True, metavar="CONDITION", help="As in `dlspec runs` (repeatable).")
@click.option("--keep", type=click.IntRange(0), help="Leave the newest so many of each name.")
@_YES
@click.pass_obj
@reported
def prune(runs: Path, conditions: tuple[str, ...], keep: int | None, yes: bool) -> None:
    """Delete what meets all CONDITIONs, but for the newest of each name.

    What has a tag, what a study keeps and what is in use is left alone.
    """
    if not conditions and keep is None:
        raise click.UsageError("say what may go: --where 'status=failed', --keep 5")
    listed = entries(runs)
    try:
        meant = selected(listed, conditions) if listed else []
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    newest = _newest(listed, keep or 0)
    kept = {entry.keeps for entry in listed if entry.keeps is not None}
    from dlspec.training.run.removal import works

    old = [each for each in meant if not each.summary["tags"] and each.path not in newest]
    _remove([each for each in old if absolute(each.path) not in kept and not works(each.path)], listed, yes)


def _newest(listed: Sequence[Entry], count: int) -> set[Path]:
    """The first `count` of each name and kind."""
    seen: dict[tuple[str, str], list[Path]] = {}
    for entry in listed:
        seen.setdefault((entry.path.parent.name, entry.summary["kind"]), []).append(entry.path)
    return {path for paths in seen.values() for path in paths[:count]}


def _remove(chosen: Sequence[Entry], listed: Sequence[Entry], yes: bool) -> None:
    """Deletes folders once somebody has agreed; what may not go is named before anything goes.

    Raises:
        Problem: E513, E574: one of them is not deleted; then none is.
    """
    from dlspec.training.run.removal import obstacle, remove, size

    if not chosen:
        say("nothing to delete")
        return
    going = {absolute(entry.path) for entry in chosen}
    for entry in chosen:
        reason = obstacle(entry.path)
        for study in listed:
            if study.keeps == absolute(entry.path) and absolute(study.path) not in going:
                reason = reason or f"is the model that the study `{study.path.name}` keeps"
        if reason:
            raise Problem("E574", f"`{entry.path}` {reason}")
    sizes = [size(entry.path) for entry in chosen]
    rows = [
        [e.summary["name"], e.path.name, e.summary["status"], ", ".join(e.summary["tags"]), show_bytes(bytes_)]
        for e, bytes_ in zip(chosen, sizes, strict=True)
    ]
    print_text("\n".join(table(rows, numbers=(4,))))
    count = f"{len(chosen)} {'folder' if len(chosen) == 1 else 'folders'}"
    if not yes and not _agreed(f"delete {count}, {show_bytes(sum(sizes))}?"):
        say("nothing was deleted")
        raise click.exceptions.Exit(1)
    remove([entry.path for entry in chosen])
    say(printable(f"deleted {count}, {show_bytes(sum(sizes))}"))


def _agreed(question: str) -> bool:
    """Whether somebody says yes; an input that has ended says no."""
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        click.echo(err=True)
        return False


REMOVING = (delete, prune)
