"""A whole training run: from a function that builds the model to a run folder with its report."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dlspec.backends.keras.build import build, saved_part
from dlspec.backends.keras.own import knowing
from dlspec.backends.keras.seeding import set_seed
from dlspec.backends.keras.structure import parameters
from dlspec.components.methods.base import ENDS_IN_FLOAT32, Method
from dlspec.components.registry import BUILT_IN, Catalogue, load_attribute
from dlspec.components.sections.data import Data
from dlspec.components.sections.generating import Generator
from dlspec.components.sections.report import Report as Section
from dlspec.components.sections.report import tensors_of
from dlspec.core.documents.report import REPORT_FILE, Begun, Examined, Failure, Timing
from dlspec.core.documents.results import Measures
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.signature import Signature, drawn_inputs, of_whole
from dlspec.data.feeding.facts import data_facts, leakage
from dlspec.data.feeding.pipeline import Prepared, prepare, telling
from dlspec.data.sources.paths import weights_file
from dlspec.graph.lower import prune
from dlspec.passes.state import SavedModel, Trainable
from dlspec.syntax.dumping import dump
from dlspec.training import baselines
from dlspec.training.calibrating import calibrate
from dlspec.training.deciding import decide
from dlspec.training.figures import needed
from dlspec.training.looking import after_epoch, check_orders, figures_of, pictures_of, writers, written_of
from dlspec.training.loop.adapting import Adapting
from dlspec.training.loop.compiling import precision
from dlspec.training.loop.distribution import open_distribution
from dlspec.training.loop.fit import Training
from dlspec.training.loop.non_finite import require_finite
from dlspec.training.loop.preparation import in_data_units
from dlspec.training.loop.progress import Progress, choose
from dlspec.training.loop.saving import guarded
from dlspec.training.loop.trainer import Job
from dlspec.training.loop.training_state import training_state_of
from dlspec.training.loop.word_vectors import word_vectors_of
from dlspec.training.run.checkpoint import Checkpoint
from dlspec.training.run.failures import as_problem
from dlspec.training.run.identity import IDENTITY_FILE, identity
from dlspec.training.run.report import Report, machine, versions
from dlspec.training.run.resume import SPEC_FILE, RunLocation, check_unchanged, checkpoint_of
from dlspec.training.run.run_folder import RunFolder
from dlspec.training.run.saved_models import files_of, hashes_of
from dlspec.training.saved import SavedRun
from dlspec.views.pages.drawn import Pictures
from dlspec.views.pages.index import CODE_FOLDER
from dlspec.views.pages.loggers import require
from dlspec.views.pages.reporter import Reporter
from dlspec.views.pages.trivial import NOTHING

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A training that is asked for: spec, model, method and data.

    Attributes:
        build: Makes the functional Keras model, with what is minimised among its outputs; called after the seed is set.
        data: Where the examples come from.
        method: How to train.
        folder: The spec's folder, from which paths of the data start.
        spec_text: The resolved spec, kept in the run folder.
        name: Of the spec: a new run's folder is ``runs/name/id``.
        command: What to type to repeat the run.
        graph: What is trained, before it is built: it says what of it is saved, and the report shows it.
        signature: Names and types of the model's inputs and outputs; read from the model unless given.
        allow_outside: Whether paths of the data may leave `folder`.
        prepare: What reads and prepares the data; one of many runs may have those of another.
        catalogue: The components that the spec knows; a run keeps copies of the files of its own.
        report: What the report shows besides the measures.
        generator: How the model writes rows of indices; None where nothing is said of that.
        trainer: Dotted path of the class that trains; that of the method unless given.
        saved_models: Models of the spec that were read from files; a run keeps copies of these.
    """

    build: Callable[[], Any]
    data: Data
    method: Method
    folder: Path
    spec_text: str
    name: str
    command: str = ""
    graph: Graph | None = None
    signature: Signature | None = None
    allow_outside: bool = False
    prepare: Callable[..., Prepared] = prepare
    catalogue: Catalogue = BUILT_IN
    report: Section | None = None
    generator: Generator | None = None
    trainer: str = ""
    saved_models: Mapping[str, SavedModel] = field(default_factory=dict)


def request_of(state: Trainable) -> Request:
    """The training that a checked spec asks for."""
    return Request(
        build=lambda: build(state.training_graph),
        data=state.data_section,
        method=state.method,
        folder=state.folder,
        spec_text=dump(state.data),
        name=state.name,
        graph=state.training_graph,
        allow_outside=state.allow_outside,
        catalogue=state.catalogue,
        report=state.report,
        generator=state.generator,
        saved_models=state.saved_models,
    )


def run(
    request: Request,
    runs: Path,
    *,
    location: RunLocation | None = None,
    console: Console | None = None,
    brief: bool = False,
) -> Report:
    """Trains and reports.

    Args:
        request: What is to be trained.
        runs: The folder of all runs.
        location: Where the run goes, as :func:`dlspec.training.run.resume.find` gives it; a new folder unless given.
        console: Where progress goes; None for none.
        brief: Whether to leave out what one of many runs need not do: the last evaluation and the page.

    Returns:
        The report, which also stands in the run folder.

    Raises:
        SpecError: The data do not fit (see :func:`dlspec.data.checks.contract.check`).
        Problem: E507 to E509, E511 to E516. The report of a run that has begun says ``failed`` then.
        KeyboardInterrupt: The run folder holds the best model so far and a report that says ``interrupted``.
    """
    with knowing(request.catalogue):
        return _run(request, runs, location or RunLocation(), console, brief)


def _run(request: Request, runs: Path, location: RunLocation, console: Console | None, brief: bool) -> Report:
    """As :func:`run`, where Keras knows the spec's own classes."""
    clock, progress = _Clock(), choose(console)
    features = {} if brief else _features(request)
    training, checkpoint = _ready(request, runs, location, progress, clock)
    pictures: Pictures | None = None
    reporter = (
        None
        if brief
        else Reporter(request.name, request.graph, request.method.log, progress.note, request.method.adapted)
    )
    if reporter is not None:
        training.once_running = reporter.preload
        pictures = pictures_of(training, request.graph, request.report)
        training.after_epoch = after_epoch(training, request.report, pictures, reporter.look)
    facts = _facts(training, request)
    metrics: Measures = {}
    try:
        with telling(training.job.prepared.binding.table):
            metrics = _trained(training, checkpoint, reporter, pictures, clock, request)
            if reporter is not None and request.report is not None and request.graph is not None:
                reporter.add(figures_of(training, request.graph, request.report, features), training.folder.path)
                clock.lap("figures")
        require_finite(metrics)
        return _write(training, clock, "finished", facts, reporter, metrics)
    except KeyboardInterrupt:
        _rescue(training)
        _write(training, clock, "interrupted", facts, reporter)
        raise
    except Exception as error:  # Keras and TensorFlow raise of every kind
        failure = as_problem(error, code=request.catalogue.carried)
        facts["error"] = _failure(failure)
        _fail(training, clock, facts, reporter, metrics)
        if failure is error:
            raise
        raise failure from error
    finally:
        training.folder.release()


def _ready(
    request: Request, runs: Path, location: RunLocation, progress: Progress, clock: _Clock
) -> tuple[Training, Checkpoint | None]:
    """A training with its model, data and run folder, and the checkpoint to go on from."""
    data, method = request.data, request.method.undecided()
    require(method.log)
    start = None
    if method.start_from is not None:
        start = weights_file(method.start_from.file, request.folder, allow_outside=request.allow_outside)
    distribution = open_distribution(method)
    set_seed(method.seed)
    with precision(method.precision):
        whole = distribution.build(request.build)
        load_attribute(ENDS_IN_FLOAT32)(whole)
    model = whole if request.graph is None else saved_part(whole, prune.saved_part(request.graph))
    clock.lap("build")
    signature = request.signature or of_whole(model, whole).drawing(drawn_inputs(request.graph))
    prepared = request.prepare(data, request.folder, signature, method, allow_outside=request.allow_outside)
    for warning in leakage(prepared):
        progress.note(f"warning[{warning.code}]: {warning.message}")
    clock.lap("data")
    check_orders(model, tuple(signature.outputs), prepared)
    distribution.check(whole, prepared.fed.count, data.batch_size)
    if method.distribute is not None:
        progress.note(f"distribute: {distribution}")
    now = identity(prepared, distribution.devices, _code(request), hashes_of(request.saved_models))
    folder, checkpoint = _opened(request, runs, location, progress, now)
    names, note = tuple(signature.outputs), progress.note
    adapting = Adapting(method, whole, distribution)
    job = Job(model, prepared, data, method, names, folder.path, adapting, note, distribution, whole=whole)
    vectors = word_vectors_of(request.graph, request.folder, allow_outside=request.allow_outside)
    return Training(job, folder, progress, start, request.trainer, vectors), checkpoint


def _features(request: Request) -> dict[str, SavedRun]:
    """The runs that the section `report` names."""
    if request.report is None or request.graph is None:
        return {}
    tensors = tensors_of(request.graph)
    return needed(request.report, tensors, request.data, request.folder, allow_outside=request.allow_outside)


def _trained(
    training: Training,
    checkpoint: Checkpoint | None,
    reporter: Reporter | None,
    pictures: Pictures | None,
    clock: _Clock,
    request: Request,
) -> Measures:
    """Trains, and measures what came of it unless there is nobody to report to."""
    training.fit(checkpoint)
    clock.lap("fit")
    training.finish()
    before = calibrate(training)
    decide(training)
    if reporter is None:
        return {}
    metrics = training.evaluate()
    clock.lap("evaluate")
    job = training.job
    if pictures is not None:
        reporter.look(pictures)
    model = in_data_units(job.model, job.prepared)
    beside = baselines.fit(job) if job.method.baselines else None
    reporter.examine(model, job.prepared, job.method, tuple(job.outputs), before, beside.models if beside else NOTHING)
    clock.lap("examine")
    if beside is not None:
        reporter.compare(partial(baselines.measured, job, beside))
        clock.lap("baselines")
    if request.generator is not None:
        for writer in writers(training, request.generator, request.graph):
            reporter.wrote(writer.target.name, partial(written_of, training, writer))
        clock.lap("generate")
    return metrics


def _facts(training: Training, request: Request) -> Begun:
    """What the report says of a training before it begins."""
    path, job = training.folder.path, training.job
    facts: Begun = {
        "name": request.name,
        "command": request.command,
        "allow_outside": request.allow_outside,
        "id": training.folder.id,
        "spec_folder": Path(os.path.relpath(request.folder.resolve(), path.resolve())).as_posix(),
        "seed": job.method.seed,
        "parameters": parameters(job.model),
        "data": data_facts(job.data, job.prepared),
        "versions": versions(),
        "machine": machine(),
    }
    if job.distribution.devices:
        facts["devices"] = list(job.distribution.devices)
    return facts


def _opened(
    request: Request, runs: Path, location: RunLocation, progress: Progress, now: dict[str, Any]
) -> tuple[RunFolder, Checkpoint | None]:
    """The run folder, made or found, and the checkpoint to go on from."""
    files: dict[str, str | Path] = {SPEC_FILE: request.spec_text, IDENTITY_FILE: json.dumps(now, indent=2) + "\n"}
    files |= {**_code(request), **files_of(request.saved_models)}
    if location.folder is not None:
        try:
            return location.folder, _gone_on_with(location, location.folder, progress, files, now)
        except Problem as problem:
            location.folder.release()
            if location.chosen:
                raise
            progress.note(f"a new run instead of {location.folder.path}: {problem.message}")
    if location.wanted is not None:
        return RunFolder.create_at(location.wanted, files), None
    return RunFolder.create(runs, request.name, files), None


def _code(request: Request) -> dict[str, str]:
    """Text of each Python file whose components the spec uses, by its name in the run folder."""
    files = request.catalogue.carried
    return {f"{CODE_FOLDER}/{path.name}": path.read_text(encoding="utf-8") for path in files}


def _gone_on_with(
    location: RunLocation, run_folder: RunFolder, progress: Progress, files: dict[str, str | Path], now: dict[str, Any]
) -> Checkpoint | None:
    """The checkpoint of an unfinished run; None where it begins again."""
    changed = check_unchanged(run_folder, now, force=location.force)
    checkpoint, damages = checkpoint_of(run_folder, force=location.force)
    report = [f"{location.damage}; it is written anew"] if location.damage else []
    for sentence in (*report, *(f"{change}, which was forced" for change in changed), *damages):
        progress.note(sentence)
    if location.force:
        guarded(lambda: [run_folder.put(*file) for file in files.items()], run_folder)
    where = str(training_state_of(checkpoint)) if checkpoint is not None else "the beginning"
    progress.note(f"going on with {run_folder.path} from {where}")
    return checkpoint


def _rescue(training: Training) -> None:
    """Saves what an interrupted training has reached, where it finished an epoch."""
    if training.history:
        training.finish()


def _failure(error: Exception) -> Failure:
    """What the report says of it: code and first line."""
    code = error.code if isinstance(error, Problem) else type(error).__name__
    return {"code": code, "message": str(error).strip().split("\n")[0]}


def _fail(training: Training, clock: _Clock, facts: Begun, reporter: Reporter | None, metrics: Measures) -> None:
    """Reports a failure; where even that cannot be written, the failure itself is what the user should see."""
    with suppress(OSError):
        _write(training, clock, "failed", facts, reporter, metrics)


def _write(
    training: Training,
    clock: _Clock,
    status: Literal["finished", "interrupted", "failed"],
    facts: Begun,
    reporter: Reporter | None,
    metrics: Measures | None = None,
) -> Report:
    course = training.course(status, metrics or {})
    examined = reporter.facts if reporter is not None else Examined()
    report = Report(training.folder.path, {**course, **facts, **examined, **clock.facts()})
    training.folder.write(REPORT_FILE, report.text())
    if reporter is not None:
        reporter.publish(report.folder, report.facts)
    return report


class _Clock:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self._begun = datetime.now(timezone.utc)
        self._start = self._last = time.monotonic()
        self._stages: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self._stages[stage] = round(now - self._last, 3)
        self._last = now

    def facts(self) -> Timing:
        seconds = round(time.monotonic() - self._start, 3)
        return {"started": self._begun.isoformat(timespec="seconds"), "seconds": seconds, "stages": self._stages}
