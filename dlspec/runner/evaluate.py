"""A kept model measured anew: on the splits of its own data, or on other examples with labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dlspec.data.binding import bind
from dlspec.data.feed import in_order
from dlspec.data.findings import Findings
from dlspec.data.raw import RawInputs, read_inputs
from dlspec.data.splits import PARTS, choose
from dlspec.data.values import Rows
from dlspec.errors import SpecError
from dlspec.reporting.scores import score_of
from dlspec.reporting.tasks import task_of
from dlspec.runner.compiling import trainer
from dlspec.runner.predict import answers_of
from dlspec.runner.saved import SavedRun
from dlspec.runner.structure import like_inputs, only_or_all

Facts = dict[str, Any]


def evaluate(saved: SavedRun, path: Path | None = None, parts: Sequence[str] = PARTS) -> Facts:
    """Measures as in training, and what is known of each output beyond them.

    Args:
        saved: The run.
        path: A file or folder of examples with labels; the run's own data unless given.
        parts: Which splits of the run's own data.

    Returns:
        ``metrics`` by part, and ``outputs``: by part and output the facts of :mod:`dlspec.reporting.scores`, in which
        the trivial answer is the best one for the examples themselves.

    Raises:
        SpecError: The data are gone, changed, or do not fit.
    """
    model = trainer(saved.model, saved.method, saved.method.chosen_optimizer, saved.outputs)
    found: Facts = {"metrics": {}, "outputs": {}}
    for name, examples in _new(saved, path) if path is not None else _own(saved, parts):
        found["metrics"][name] = _measured(saved, model, examples)
        found["outputs"][name] = _judged(saved, examples)
    return found


def _new(saved: SavedRun, path: Path) -> Iterator[tuple[str, RawInputs]]:
    outputs = saved.targets
    found = read_inputs(saved.data, saved.folder, saved.signature, path=path, saved=saved.takes, outputs=outputs)
    yield path.name, found


def _own(saved: SavedRun, wanted: Sequence[str]) -> Iterator[tuple[str, RawInputs]]:
    """The run's own splits, raw."""
    findings = Findings()
    binding = bind(saved.data, saved.folder, saved.signature, saved.method, findings, allow_outside=saved.allow_outside)
    if binding is None or findings.errors:
        raise SpecError(findings.diagnostics({}))
    parts = choose(saved.data, binding.table, binding.count, binding.dropped())
    rows = Rows(binding.table, binding.inputs, binding.outputs)
    for name, numbers in zip(PARTS, parts, strict=True):
        if name in wanted and len(numbers):
            inputs, targets = rows.load(numbers)
            yield name, RawInputs(inputs, len(numbers), binding.table, binding.inputs, targets)


def _measured(saved: SavedRun, model: Any, examples: RawInputs) -> dict[str, float]:
    def structure(inputs: Any, targets: Any) -> Any:
        return like_inputs(saved.model, inputs), only_or_all(targets)

    batches = in_order((examples.inputs, examples.targets), saved.data.batch_size, structure)
    measured = model.evaluate(batches, return_dict=True, verbose=0)
    return {name: float(measured[name]) for name in sorted(measured, key=lambda name: not name.endswith("loss"))}


def _judged(saved: SavedRun, examples: RawInputs) -> dict[str, Facts]:
    answers = answers_of(saved, examples)
    found = {}
    for output in saved.targets:
        task = task_of(output, saved.method.loss_of(output.name), answers[output.name].shape[1:])
        if task is not None:
            score = score_of(task)
            score.learn(examples.targets[output.name])
            score.add(answers[output.name], examples.targets[output.name])
            found[output.target] = score.facts()
    return found
