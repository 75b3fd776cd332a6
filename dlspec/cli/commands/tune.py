"""``dlspec tune``."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import (
    compiled,
    print_text,
    progress_console,
    required,
    say,
    show_problem,
    spec_argument,
)
from dlspec.cli.repeating import repeated
from dlspec.core.errors import Problem
from dlspec.core.terminal import printable
from dlspec.passes.state import Checked, Searchable
from dlspec.training.run.saved_models import copies_for, files_of

if TYPE_CHECKING:
    from rich.console import Console

    from dlspec.core.documents.search import Search as SearchFacts
    from dlspec.tuning.plan.plan import Plan
    from dlspec.tuning.search.record import Record
    from dlspec.tuning.search.search import Search
    from dlspec.tuning.workers.trial import Result
    from dlspec.tuning.workers.workers import Workers

# Share of the time that may go into what people read of a search that goes on: it is written anew as a whole.
_WRITING = 0.1
_FOLDER = click.Path(path_type=Path, file_okay=False)


@helped(
    "Train",
    "Search for the best values of a spec's parameters",
    """
    dlspec tune digits.yaml --workers 2
    dlspec tune digits.yaml -o best.yaml
    """,
)
@spec_argument
@click.option("--runs", type=_FOLDER, default=Path("runs"), show_default=True, help="Folder of all runs.")
@click.option("--search", type=_FOLDER, help="This folder: begin in it, or go on with the search that is there.")
@click.option("--new", is_flag=True, help="Begin a new search even where one is unfinished.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Trials at a time; 1 unless given, with --cluster one on each GPU, or machine.",
)
@click.option(
    "--cluster",
    metavar="HOST:PORT",
    help="Train on the machines of the Ray cluster that this one is part of. Needs the extra `dlspec[ray]`.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where the spec with the best values goes; SPEC.best.yaml beside SPEC unless given.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    runs: Path,
    search: Path | None,
    new: bool,
    workers: int | None,
    cluster: str | None,
    output: Path | None,
    quiet: bool,
) -> int:
    """Search for the best values of a spec's parameters.

    The search spaces stand under `params`, how they are searched under `tune`. In the end there is an ordinary spec
    with the best values, which trains as it is. The folder RUNS/NAME/search-ID holds the same as best.yaml,
    search.json with every trial, and a run folder of each trial.

    A search that was killed or interrupted goes on when the same command is given again. Trials whose shapes do not
    fit, or that are larger than `limits`, are left out before anything is built.
    """
    copies = partial(copies_for, runs=runs, chosen=search)
    state = required(compiled(spec, overrides, allow_outside, spare_models=copies), Checked.searchable)
    output = output or state.path.with_suffix(".best.yaml")
    keep_inputs(output, inputs_of_spec(state))
    try:
        outcome = search_spec(state, runs, search, new, workers, cluster, quiet)
    except Problem as problem:
        show_problem(problem, state, "tune")
        return 1
    if isinstance(outcome, int):
        return outcome
    return _hand_over(outcome, output)


def _hand_over(folder: Path, output: Path) -> int:
    """Puts the spec with the best values where it trains: its paths start at the folder of the searched one."""
    from dlspec.tuning.search.folder import BEST_FILE, write_text

    best = folder / BEST_FILE
    if not best.is_file():
        say("no trial was completed")
        return 1
    try:
        write_text(output, best.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.ClickException(f"cannot write `{output}`: {error.strerror or error}; see {best}") from error
    print_text(f"best values: {output}")
    return 0


def search_spec(
    state: Searchable,
    runs: Path,
    wanted: Path | None,
    new: bool,
    workers: int | None,
    cluster: str | None,
    quiet: bool,
) -> Path | int:
    """Searches, or goes on with a search.

    Args:
        runs: The folder of all runs.
        wanted: That of the search; below `runs` where None.
        new: Whether it must be a new one.
        workers: Trials at a time.
        cluster: Address of a Ray cluster.
        quiet: Whether no progress is shown.

    Returns:
        The folder of the search; the exit code where it was interrupted.

    Raises:
        Problem: The search cannot be begun, or gone on with.
    """
    from dlspec.syntax.dumping import dump
    from dlspec.training.loop.signals import terminable
    from dlspec.tuning.plan.plan import plan_of
    from dlspec.tuning.search import folder as folders

    plan = plan_of(state)
    text = dump(state.data)
    folder, there = folders.find(runs, state.name, text, search=wanted, new=new)
    finished, damage = folders.finished(folder) if there else (False, "")
    if damage:
        say(f"{folder}: {damage}; it is written anew")
    if finished:
        say(f"the search {folder} is finished; `--new` begins another one")
        return folder
    if cluster is not None:
        from dlspec.tuning.workers.cluster import require

        require(cluster)
    console = None if quiet else progress_console()
    if console is not None:
        console.print("starting TensorFlow …", highlight=False)
    record, lock = folders.opened(folder, {folders.SPEC_FILE: text, **files_of(state.saved_models)})
    try:
        with terminable():
            pool = _pool(state, text, folder, workers, cluster, console)
            return _searched(state, plan, folder, record, pool, console, there)
    except KeyboardInterrupt as stop:
        say(f"interrupted; the same command goes on with {folder}")
        return 128 + getattr(stop, "number", signal.SIGINT)
    finally:
        record.close()
        lock.release()


def _pool(
    state: Searchable, text: str, folder: Path, workers: int | None, cluster: str | None, console: Console | None
) -> Workers[Result]:
    """The workers that run trials; their processes load TensorFlow while this one does."""
    from dlspec.tuning.workers.workers import Inline, Processes

    if cluster is None:
        return Inline() if workers in (None, 1) else Processes(workers)

    from dlspec.tuning.workers.cluster import Cluster
    from dlspec.tuning.workers.machines import job_of

    def tell(text: str) -> None:
        if console is not None:
            console.print(printable(text), highlight=False, soft_wrap=True, markup=False)

    return Cluster(cluster, workers, job_of(state, text, folder), tell)


def _searched(
    state: Searchable,
    plan: Plan,
    folder: Path,
    record: Record,
    pool: Workers[Result],
    console: Console | None,
    there: bool,
) -> Path:
    """The folder of the search, which is over."""
    from dlspec.backends.keras import starting
    from dlspec.tuning.workers.worker import quiet_retracing

    starting.start()

    from dlspec.tuning.search.search import Search
    from dlspec.tuning.search.show import Reporter, table

    quiet_retracing()
    search = Search(plan, state.path, state.overrides, folder, record, state.allow_outside, state.allow_code)
    reporter = Reporter(search, console, pool)

    due = 0.0

    def trial_ended(trial: object) -> None:
        nonlocal due
        if (start := time.monotonic()) >= due:
            _write(search, state, finished=False)
            due = start + (time.monotonic() - start) / _WRITING
        reporter(trial)  # type: ignore[arg-type]

    search.on_trial_end = trial_ended
    if there and console is not None:
        console.print(f"going on with {folder} after {len(search.counted)} trials", highlight=False)
    finished = False
    try:
        search.run(pool)
        finished = True
    finally:
        _write(search, state, finished=finished)
    print_text(table(search))
    return folder


def _write(search: Search, state: Searchable, *, finished: bool) -> None:
    """Writes the documents that people read; the record itself is already on the disk."""
    from dlspec.core.documents.reading import document_text
    from dlspec.core.documents.search import SEARCH_FILE
    from dlspec.tuning.search import folder as folders
    from dlspec.tuning.search.show import facts

    document, text = facts(search, finished), ""
    with suppress(OSError):
        folders.write_text(search.folder / SEARCH_FILE, document_text(document))
        best = search.best
        if best is not None:
            epochs = best.epochs if search.plan.tune.epochs is not None else None
            text = folders.best_spec(state.data, search.plan.written(best.values), epochs)
            folders.write_text(search.folder / folders.BEST_FILE, text)
        if finished:
            _publish(search, state, document, text)


def _publish(search: Search, state: Searchable, document: SearchFacts, best: str) -> None:
    """The page of a search that is over."""
    from dlspec.tuning.search.folder import write_text
    from dlspec.tuning.search.page import PAGE_FILE, page

    options = ["--search", str(search.folder)]
    command = repeated("tune", state.path, state.overrides, options=options, allow_outside=state.allow_outside)
    write_text(search.folder / PAGE_FILE, page(state.name, document, best, command))
