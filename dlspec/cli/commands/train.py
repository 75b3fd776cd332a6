"""``dlspec train``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import (
    compiled,
    print_text,
    progress_console,
    required,
    say,
    show_diagnostics,
    show_problem,
    spec_argument,
)
from dlspec.cli.repeating import repeated
from dlspec.cli.studies import train_study
from dlspec.core.errors import Problem, SpecError
from dlspec.passes.state import Checked, Trainable
from dlspec.training.loop.signals import Interrupted
from dlspec.training.run.report import Report
from dlspec.training.run.resume import SPEC_FILE, RunLocation, find
from dlspec.training.run.saved_models import copies_for

if TYPE_CHECKING:
    from dlspec.components.sections.data import Data
    from dlspec.data.binding.signature import Signature
    from dlspec.data.feeding.pipeline import Prepared


@helped(
    "Train",
    "Train a spec and write a run folder",
    """
    dlspec train digits.yaml
    dlspec train digits.yaml --set train.epochs=5
    dlspec train digits.yaml --new       # though an unfinished run would go on
    """,
)
@spec_argument
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Folder of all runs.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path, file_okay=False),
    help="This run folder: begin in it, or go on with the run that is there.",
)
@click.option("--new", is_flag=True, help="Begin a new run even where one is unfinished.")
@click.option("--force", is_flag=True, help="Go on with --run although spec, data, versions or settings changed.")
@click.option("--workers", type=click.IntRange(1, 64), help="Trainings of a study at a time; 1 unless given.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    runs: Path,
    run: Path | None,
    new: bool,
    force: bool,
    workers: int | None,
    quiet: bool,
) -> int:
    """Train a spec and write a run folder.

    The folder RUNS/NAME/ID holds the resolved spec, metrics.csv with a line per epoch, the model of the best epoch
    (model.keras, preparation included), report.json and report.html. The table at the end repeats the report's figures.

    A run that was killed or interrupted goes on when the same command is given again, and ends as if nothing had
    happened. Ctrl-C, SIGTERM and SIGHUP stop it after the step that runs.

    Where `method` of `train` is a study, such as `k_fold`, every training of it has a run folder in
    RUNS/NAME/study-ID/members, and study.json and report.html say what they have in common.
    """
    if force and run is None:
        raise click.UsageError("--force goes with --run")
    copies = partial(copies_for, runs=runs, chosen=run)
    compilation = compiled(spec, overrides, allow_outside, keeps_data=True, spare_models=copies)
    state = required(compilation, Checked.trainable)
    if run is not None:
        keep_inputs(run / SPEC_FILE, inputs_of_spec(state), "--run")
    studied = state.method.study is not None
    if workers is not None and not studied:
        raise click.UsageError("--workers is for studies: `method: {k_fold: 5}` of `train` is one")
    if (workers or 1) > 1 and studied and state.method.study.sequential:
        raise click.UsageError(f"--workers has no effect: members of `{state.method.study.name}` follow one another")
    if force and studied:
        raise click.UsageError("--force is for single runs: a study of another spec begins with --new")
    try:
        again = repeated("train", spec, overrides, allow_outside=allow_outside, runs=runs)
        if studied:
            return train_study(state, runs, run, new=new, workers=workers or 1, quiet=quiet, command=again)
        location = _location(state, runs, run, new, force)
        if location.finished is not None:
            return _say_finished(location)
        report = _train(state, runs, location, quiet, again)
    except SpecError as error:
        show_diagnostics(error.diagnostics, state.texts)
        return 1
    except Problem as problem:
        show_problem(problem, state, "train")
        return 1
    except Interrupted as interruption:
        say(f"interrupted; the same command goes on from {interruption.resumes_at}")
        return 128 + interruption.number
    print_text(report.table())
    return 0


def _location(state: Trainable, runs: Path, run: Path | None, new: bool, force: bool) -> RunLocation:
    from dlspec.syntax.dumping import dump

    return find(runs, state.name, dump(state.data), run=run, new=new, force=force)


def _say_finished(location: RunLocation) -> int:
    assert location.folder is not None and location.finished is not None
    say(f"the run {location.folder.path} is finished; `--new` or another folder trains again")
    print_text(Report(location.folder.path, location.finished).table())
    return 0


def _train(state: Trainable, runs: Path, location: RunLocation, quiet: bool, repeat: str) -> Report:
    console = None if quiet else progress_console()
    if console is not None:
        console.print("starting TensorFlow …", highlight=False)

    from dlspec.backends.keras import starting
    from dlspec.data.feeding.reading import BackgroundRead

    background = None
    if state.binding is not None:
        background = BackgroundRead(state.data_section, state.binding)
    starting.start()

    from dlspec.data.feeding.pipeline import prepare, prepare_read
    from dlspec.training.train import request_of, run

    def prepared(data: Data, folder: Path, signature: Signature, method: Any, **options: Any) -> Prepared:
        """Prepares the data that were read in the background, where the check has found what to read."""
        if background is None:
            return prepare(data, folder, signature, method, **options)
        return prepare_read(data, background.reading(), signature)

    request = replace(request_of(state), command=repeat, prepare=prepared)
    return run(request, runs, location=location, console=console)
