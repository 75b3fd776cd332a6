"""A whole training run: from a function that builds the model to a run folder with its report."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.data.pipeline import prepare
from dlspec.data.signature import Signature, of_model
from dlspec.errors import Problem
from dlspec.ir import Graph
from dlspec.reporting.reporter import Reporter
from dlspec.runner.fit import Training
from dlspec.runner.progress import choose
from dlspec.runner.report import REPORT_FILE, Report, data_summary, machine, parameters, versions
from dlspec.runner.run_folder import RunFolder
from dlspec.runner.seeding import set_seed
from dlspec.sections.data import Data
from dlspec.sections.train import Supervised

if TYPE_CHECKING:
    from rich.console import Console

SPEC_FILE = "spec.yaml"


def run(
    build: Callable[[], Any],
    data: Data,
    method: Supervised,
    *,
    folder: Path,
    spec_text: str,
    name: str,
    runs: Path,
    console: Console | None = None,
    command: str = "",
    signature: Signature | None = None,
    allow_outside: bool = False,
    graph: Graph | None = None,
) -> Report:
    """Trains and reports.

    Args:
        build: Makes the functional Keras model; called after the seed is set.
        data: Where the examples come from.
        method: How to train.
        folder: The spec's folder, from which paths of the data start.
        spec_text: The resolved spec, kept in the run folder.
        name: Of the spec: the run folder is ``runs/name/id``.
        runs: The folder of all runs.
        console: Where progress goes; None for none.
        command: What to type to repeat the run.
        signature: Names and types of the model's inputs and outputs; read from the model unless given.
        allow_outside: Whether paths of the data may leave `folder`.
        graph: The model before it is built, for the report's picture and table of layers.

    Returns:
        The report, which also stands in the run folder.

    Raises:
        SpecError: The data do not fit (see :func:`dlspec.data.contract.check`).
        Problem: E507, E508, E509. The run folder's report says ``failed`` then.
        KeyboardInterrupt: The run folder holds the best model so far and a report that says ``interrupted``.
    """
    clock = _Clock()
    set_seed(method.seed)
    model = build()
    clock.lap("build")
    signature = signature or of_model(model)
    prepared = prepare(data, folder, signature, method, allow_outside=allow_outside)
    clock.lap("data")
    run_folder = RunFolder.create(runs, name, {SPEC_FILE: spec_text})
    training = Training(model, prepared, data, method, run_folder, tuple(signature.outputs), [])
    reporter = Reporter(name, graph)
    facts = {
        "name": name,
        "id": run_folder.id,
        "command": command,
        "seed": method.seed,
        "parameters": parameters(model),
        "data": data_summary(data, prepared),
        "versions": versions(),
        "machine": machine(),
    }
    try:
        training.fit(choose(console))
        clock.lap("fit")
        training.finish()
        metrics = training.evaluate()
        clock.lap("evaluate")
        reporter.examine(model, prepared, method, tuple(signature.outputs))
        clock.lap("examine")
    except KeyboardInterrupt:
        _rescue(training)
        _write(training, clock, "interrupted", facts, reporter)
        raise
    except Problem as problem:
        _write(
            training, clock, "failed", {**facts, "error": {"code": problem.code, "message": problem.message}}, reporter
        )
        raise
    except Exception as error:  # Keras and TensorFlow raise of every kind
        message = str(error).strip().split("\n")[0]
        _write(
            training, clock, "failed", {**facts, "error": {"code": type(error).__name__, "message": message}}, reporter
        )
        raise
    return _write(training, clock, "finished", facts, reporter, metrics)


def _rescue(training: Training) -> None:
    """Saves what an interrupted training has reached, where it finished an epoch."""
    if training.history:
        training.finish()


def _write(
    training: Training,
    clock: _Clock,
    status: str,
    facts: dict[str, Any],
    reporter: Reporter,
    metrics: dict[str, dict[str, float]] | None = None,
) -> Report:
    best = training.best
    course = {
        "status": status,
        "metrics": metrics or {},
        "epochs": len(training.history),
        "best": {"epoch": best.epoch, training.monitor: best.value} if best is not None and best.epoch else None,
        "kept": training.method.keep,
    }
    report = Report(training.folder.path, {**course, **facts, **reporter.facts, **clock.facts()})
    training.folder.write(REPORT_FILE, report.text())
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

    def facts(self) -> dict[str, Any]:
        seconds = round(time.monotonic() - self._start, 3)
        return {"started": self._begun.isoformat(timespec="seconds"), "seconds": seconds, "stages": self._stages}
