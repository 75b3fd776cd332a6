"""``dlspec importance``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import code_allowed, code_option, print_document, print_text, progress_console
from dlspec.cli.runs import keep_in_run, reported, run_argument, runs_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlspec.core.documents.importance import Importance
    from dlspec.views.pages.index import Run

_PARTS = ("train", "validation", "test")
# Columns of a terminal, and those that the name of a column has at least.
_WIDTH, _SHORTEST = 80, 12


@helped(
    "Look at a run",
    "Tell which columns the answers of a run depend on",
    """
    dlspec importance houses
    """,
)
@run_argument()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A file or folder of examples with labels, instead of the run's own.",
)
@click.option("--part", type=click.Choice(_PARTS), help="This split; test unless given, validation without one.")
@click.option("--repeats", type=click.IntRange(1, 1000), default=5, show_default=True, help="Shuffles of each column.")
@click.option(
    "--rows",
    type=click.IntRange(2),
    default=10_000,
    show_default=True,
    help="Of more examples, look at so many, which chance chooses.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Seed of the shuffles.")
@runs_option
@code_option
@click.option("--allow-outside", is_flag=True, help="Let the spec read files outside of its own folder.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the figures.")
@reported
def command(
    run: str,
    data: Path | None,
    part: str | None,
    repeats: int,
    rows: int,
    seed: int,
    runs: Path,
    allow_outside: bool,
    form: str,
) -> None:
    """Tell which columns the answers of RUN depend on: a folder, an id, a name, or `latest`.

    Each column of the test split is shuffled, and the model measured again: the more the loss rises, the more the
    column matters (permutation importance). Of the first few columns, the mean answer over their values is told
    (partial dependence). Both are also written into the run folder, as importance.html and importance.json.
    """
    if data is not None and part is not None:
        raise click.UsageError("--part is about the run's own data: leave it out with --data")
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    saved = open_run(find_run(run, runs), allow_outside=allow_outside, allow_code=code_allowed())

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.training.importance import importance

    with _progress() as tell:
        facts = importance(saved, data, part, repeats=repeats, rows=rows, seed=seed, tell=tell)
    _write(saved.run, facts)
    print_document(facts) if form == "json" else print_text(_text(saved.run, facts))


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = progress_console()
    if not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda name, done, of: bar.update(task, description=name, completed=done, total=of)


def _write(run: Run, facts: Importance) -> None:
    """The page and the facts, in the run folder; where nothing can be written there, the figures are told anyway."""
    from dlspec.core.documents.reading import document_text
    from dlspec.views.pages.importance import FACTS_FILE, PAGE_FILE, importance_page

    keep_in_run(run.path, {FACTS_FILE: document_text(facts), PAGE_FILE: importance_page(run.name, facts)})


def _text(run: Run, facts: Importance) -> str:
    from textwrap import fill

    from dlspec.core.terminal import table
    from dlspec.views.pages.importance import MOST, PAGE_FILE, cells, looked_at, remarks, titles
    from dlspec.views.pages.verdict import figure

    measures = [f"loss {figure(facts['loss'])}"]
    several = len(facts["scores"]) > 1
    for target, score in facts["scores"].items():
        measures.append(f"{f'{target} ' if several else ''}{score['measure']} {figure(score['value'])}")
    head = [title for title, _ in titles(facts)]
    rows = [cells(facts, index) for index in range(min(MOST, len(facts["columns"])))]
    figures = table([head[1:], *(row[1:] for row in rows)], numbers=range(len(head) - 1))
    room = max(_SHORTEST, _WIDTH - len(figures[0]) - 2)
    rows = [[name if len(name) <= room else name[: room - 1] + "…", *others] for name, *others in rows]
    lines = [fill(f"{looked_at(facts)}: {', '.join(measures)}", _WIDTH), ""]
    lines += table([head, *rows], numbers=range(1, len(head)))
    if len(facts["columns"]) > MOST:
        lines.append(f"and {len(facts['columns']) - MOST:,} more columns")
    lines += ["", *(fill(remark, _WIDTH, break_on_hyphens=False) for remark in remarks(facts))]
    lines += ["", f"the same with plots: {run.path / PAGE_FILE}"]
    return "\n".join(lines)
