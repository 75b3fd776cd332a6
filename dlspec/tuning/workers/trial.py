"""One trial: a spec with the values written in, checked, trained in a run folder of its own, scored."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Problem, SpecError
from dlspec.core.workspace import Workspace
from dlspec.passes import Reading, compile_spec
from dlspec.passes.state import Checked, Trainable
from dlspec.tuning.workers import sharing
from dlspec.views.pages.index import MODELS_FOLDER

if TYPE_CHECKING:
    from dlspec.data.checks.contract import Known

COMPLETED, FAILED, PRUNED = "completed", "failed", "pruned"
# The last trial that was checked in this process, with its outcome.
_CHECKED: list[tuple[Task, Trainable | Result]] = []
# Data that were held against their files in this process.
_SOUND: dict[str, Known] = {}


@dataclass(frozen=True)
class Task:
    """Everything that a process needs to run a trial; it can be pickled.

    Attributes:
        spec: The file.
        overrides: ``--set`` of the command line.
        values: Of the searched parameters, as a spec has them.
        folder: The trial's run folder.
        epochs: Epochs in all.
        before: The run folder of the trial that this one goes on with, or None.
        limits: What a model may cost, by the options of `limits`.
    """

    spec: Path
    overrides: tuple[str, ...]
    values: Mapping[str, Any]
    folder: Path
    objective: str
    smaller: bool
    epochs: int
    before: Path | None = None
    limits: Mapping[str, float | None] = field(default_factory=dict)
    allow_outside: bool = False
    allow_code: bool = False

    def run(self) -> Result:
        """See :func:`run`."""
        return run(self)

    def died(self) -> Result:
        """See :func:`died`."""
        return died()


@dataclass
class Result:
    """The outcome of a trial.

    Attributes:
        status: ``completed``, ``failed``, or ``pruned``: found wrong or too large before anything was built.
        score: The objective at its best epoch.
        reason: Why it failed or was pruned.
        history: Measures of every epoch.
    """

    status: str
    score: float | None = None
    reason: str = ""
    epoch: int = 0
    parameters: int | None = None
    flops: int | None = None
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """The result as plain data, for the record."""
        return asdict(self)


def died() -> Result:
    """The result of a trial whose process died again and again."""
    return Result(FAILED, reason="its process died: it may want more memory than there is")


def check(task: Task) -> Trainable | Result:
    """The checked spec of a trial, or its result where that is known before TensorFlow loads.

    The search asks before it hands out a trial, and the trial itself; in one process the answer is found once.
    """
    if not _CHECKED or _CHECKED[0][0] != task:
        _CHECKED[:] = [(task, _checked(task))]
    return _CHECKED[0][1]


def _checked(task: Task) -> Trainable | Result:
    copies = task.folder.parent.parent / MODELS_FOLDER  # those of the search
    workspace = Workspace(allow_outside=task.allow_outside, allow_code=task.allow_code, spare_models=copies)
    compiled = compile_spec(task.spec, task.overrides, workspace, values=task.values, reading=Reading(sound=_SOUND))
    if not isinstance(compiled, Checked):
        first = compiled.diagnostics.errors[0]
        return Result(PRUNED, reason=f"{first.code}: {first.message}")
    state = compiled.trainable("a search")
    for name, limit in task.limits.items():
        value, unit = _cost(state, name)
        if limit is not None and value is not None and value > limit:
            reason = f"{value:,} {unit}, above the limit of {limit:,.0f}"
            return Result(PRUNED, reason=reason, parameters=state.graph.parameters, flops=state.graph.flops)
    return state


def _cost(state: Trainable, name: str) -> tuple[int | None, str]:
    """The figure that a limit is compared with, None where a size is unknown; and its unit."""
    graph = state.graph
    if name == "parameters":
        return graph.parameters, name
    if name == "flops":
        return graph.flops, "floating-point operations"
    batch, activations = state.data_section.batch_size, graph.activation_bytes
    return None if activations is None else 4 * graph.parameters + batch * activations, "bytes of memory"


def run(task: Task) -> Result:
    """Checks, builds, trains and scores; whatever goes wrong in it is the trial's result.

    Raises:
        KeyboardInterrupt: The search shall stop; the trial goes on from its checkpoint when it is run again.
    """
    start = time.monotonic()
    state = check(task)
    _CHECKED.clear()
    if isinstance(state, Result):
        ended = state
    else:
        try:
            ended = _trained(task, state)
        except Problem as problem:
            ended = Result(FAILED, reason=f"{problem.code}: {problem.message}")
        except SpecError as error:
            ended = Result(FAILED, reason=f"{error.diagnostics[0].code}: {error.diagnostics[0].message}")
        except Exception as error:  # Keras and TensorFlow raise of every kind; the search goes on
            ended = Result(FAILED, reason=_shown(error))
        finally:
            _clear()
        if ended.status == FAILED:
            sharing.forget()  # what went wrong may stick to them
        ended.parameters, ended.flops = state.graph.parameters, state.graph.flops
    ended.seconds = round(time.monotonic() - start, 3)
    return ended


def _shown(error: Exception) -> str:
    lines = str(error).strip().splitlines()  # none, for example, where memory ran out
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _clear() -> None:
    """Frees the trial's model; what TensorFlow itself is made of is looked through once and for all."""
    import gc

    import keras

    sharing.detach()
    keras.backend.clear_session()  # collects garbage
    if not gc.get_freeze_count():
        gc.freeze()


def _trained(task: Task, state: Trainable) -> Result:
    from dlspec.training.train import request_of
    from dlspec.training.train import run as train

    method = state.method.lasting(task.epochs)
    request = replace(request_of(state), method=method, prepare=sharing.prepare_once)
    report = train(request, task.folder.parent, location=_run_location(task), brief=True)
    history = history_of(report.folder)
    scores = [epoch[task.objective] for epoch in history if math.isfinite(epoch.get(task.objective, math.nan))]
    if not scores:
        return Result(FAILED, reason=f"training measured no finite `{task.objective}`", history=history)
    best = min(scores) if task.smaller else max(scores)
    return Result(COMPLETED, best, epoch=scores.index(best) + 1, history=history)


def _run_location(task: Task) -> Any:
    """The trial's folder: where it was interrupted, or where the trial stood that it goes on with."""
    from dlspec.training.run.locking import Lock
    from dlspec.training.run.resume import SPEC_FILE, RunLocation
    from dlspec.training.run.run_folder import RunFolder

    if not (task.folder / SPEC_FILE).is_file():
        if task.before is None or not task.before.is_dir():
            return RunLocation(wanted=task.folder)
        draft = task.folder.with_name(f".{task.folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(task.before, draft)
        draft.rename(task.folder)
    return RunLocation(RunFolder(task.folder, Lock(task.folder)), chosen=True, force=True)


def history_of(folder: Path) -> list[dict[str, float]]:
    """Measures of every epoch of a run."""
    import csv

    from dlspec.training.loop.watch import METRICS_FILE

    with suppress(OSError), (folder / METRICS_FILE).open(encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]
    return []
