"""Warnings of a training that will not do what its options seem to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.methods.base import Method, Path
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.data.binding.findings import Findings
from dlspec.data.checks.measures import measured

# A batch of the usual size is no mistake where a table has fewer rows.
_USUAL = 32


def warn_of_batches(data: Data, examples: int, findings: Findings) -> None:
    """A written `batch_size` above the number of training examples: each epoch is a single step (W507).

    Args:
        data: The section.
        examples: How many there are in all.
    """
    if "batch_size" not in data.given or data.batch_size <= _USUAL or data.oversample is not False:
        return
    if any(data.parts.source(part) is not None for part in ("validation", "test")):
        return
    others = sum(round(examples * data.parts.share(part)) for part in ("validation", "test"))
    most = examples if data.parts.asks else examples - others  # a column may give training more than its share
    if data.batch_size > most:
        message = f"`batch_size` is {data.batch_size:,}, and about {most:,} examples train: an epoch is one step"
        with findings.at("data", "batch_size"):
            raise Problem("W507", message, f"write a smaller one, such as {max(1, min(_USUAL, most // 10))}")


def warn_of_monitors(data: Data, method: Method, outputs: Sequence[str], findings: Findings) -> None:
    """Training stops by another measure than the one by which the kept epoch is chosen (W508)."""
    validated = data.parts.has("validation")
    if method.keep != "best" or validated is None:
        return
    kept = method.comparing(outputs, validated=validated)
    for measure, path, _ in method.stopping():
        if measure == kept or not measured(method, outputs, measure):
            continue
        with findings.at(*path):
            message = f"training stops by `{measure}`, and the kept epoch is that of the best `{kept}`"
            raise Problem("W508", message, f"write `monitor: {measure}` in `train`, or `monitor: {kept}` here")


def check_turns(data: Data, method: Method, examples: int, findings: Findings) -> None:
    """A learner that moves on every so many batches needs as many in the whole training (E520).

    Args:
        examples: How many the data have in all.
    """
    most: dict[Path, int] = {}
    learners: dict[Path, Any] = {}
    for stage in method.stages.values():
        for name, learner in stage.turns.items():
            path = (*stage.written_at("learners"), name, "every")
            learners[path] = learner
            most[path] = max(most.get(path, 0), -(-examples // data.batch_size) * stage.total_epochs)
    for path, learner in learners.items():
        if learner.every > most[path] and data.oversample is False:
            with findings.at(*path):
                where = "its phases" if len(method.stages) > 1 else "all"
                message = f"learner `{path[-2]}` never moves: there are at most {most[path]:,} batches in {where}"
                raise Problem("E520", message, "write a smaller `every`, or more `epochs`")
