"""What a run shows besides its measures: pictures of outputs, and what the section ``report`` asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlspec.components.sections.generating import Generator
from dlspec.components.sections.report import Report
from dlspec.core.documents.figures import Figures
from dlspec.core.documents.written import WrittenFigures
from dlspec.core.ir import Graph
from dlspec.data.feeding.pipeline import Prepared
from dlspec.graph.lower import prune
from dlspec.training.figures import Looking, figures
from dlspec.training.gradients import GradientLog
from dlspec.training.loop.fit import Training
from dlspec.training.loop.preparation import in_data_units, with_preparation
from dlspec.training.saved import SavedRun
from dlspec.training.sequence_writing import MOST, Writer, check_order, written
from dlspec.views.pages.drawn import COUNT, Pictures
from dlspec.views.pages.examine import batch_at, part_to_look_at, tasks_of
from dlspec.views.pages.outputs import Outputs

# Training examples by which it is seen whether an output looks ahead.
_ORDERED = 8


def pictures_of(training: Training, graph: Graph | None, section: Report | None) -> Pictures | None:
    """The keeper of pictures of outputs; None where the model is not known as a graph."""
    if graph is None:
        return None
    job, asked = training.job, section.pictures if section is not None else None
    return Pictures(
        training.folder.path,
        lambda: in_data_units(job.model, job.prepared),
        job.prepared,
        job.method,
        graph,
        tuple(job.outputs),
        sum(training.trainer.phases),
        asked.count if asked is not None else COUNT,
        asked.every if asked is not None else None,
    )


def after_epoch(
    training: Training,
    section: Report | None,
    pictures: Pictures | None,
    look: Callable[[Pictures, int], object],
) -> Callable[[int], None] | None:
    """What happens after each epoch; None where nothing is asked for.

    Args:
        training: That is watched.
        section: What is asked for.
        pictures: What keeps pictures of outputs.
        look: Keeps them after an epoch.
    """
    gradients = section.gradients if section is not None else None
    if pictures is None and gradients is None:
        return None
    log = None if gradients is None else GradientLog(training, gradients)

    def over(number: int) -> None:
        if pictures is not None:
            look(pictures, number)
        if log is not None:
            log.epoch(number)

    return over


def figures_of(training: Training, graph: Graph, section: Report, features: dict[str, SavedRun]) -> Figures:
    """The figures of a training that is over.

    Args:
        training: With the kept weights in place.
        graph: What was trained.
        section: What is asked for.
        features: Runs whose models see features, as :func:`dlspec.training.figures.needed` found them.
    """
    job = training.job
    model = in_data_units(job.model, job.prepared)
    outputs = Outputs(model, job.prepared, graph, tuple(job.outputs), job.method.seed)
    looking = Looking(
        outputs,
        training.folder.path,
        features,
        job.data,
        lambda: tasks_of(model, job.prepared, job.method, outputs.names),
        lambda: with_preparation(job.model, job.prepared),
    )
    return figures(looking, section)


def check_orders(core: Any, outputs: Sequence[str], prepared: Prepared) -> None:
    """Outputs that tell the next steps of an input do not see them.

    Raises:
        Problem: E620.
    """
    for target in prepared.binding.shifted_outputs:
        if not target.shift:
            continue
        inputs, _ = batch_at(prepared.train, list(range(min(_ORDERED, prepared.train.count))))
        check_order(core, tuple(outputs), target, inputs)


def writers(training: Training, generator: Generator, graph: Graph | None) -> list[Writer]:
    """What lets the model of a training write, for each output that tells next steps.

    Args:
        training: With the kept weights in place.
        generator: The section `generate`.
        graph: What was trained; None where it is not known.
    """
    job = training.job
    saved = None if graph is None else prune.saved_part(graph)
    return [
        Writer(generator, job.data, job.method, job.model, tuple(job.outputs), target, saved)
        for target in job.prepared.binding.shifted_outputs
    ]


def written_of(training: Training, writer: Writer) -> WrittenFigures | None:
    """What the model writes for the part that is looked at; of a large one, for examples at equal distances."""
    import numpy as np

    prepared = training.job.prepared
    _, part = part_to_look_at(prepared)
    rows = np.unique(np.linspace(0, part.count - 1, min(MOST, part.count)).astype(np.int64))
    inputs, targets = batch_at(part, rows)
    numbers = part.examples.numbers[rows]
    values = np.asarray(targets[writer.target.name])
    return written(writer, inputs, values, numbers, prepared.binding.table, prepared.binding.inputs)
