"""What a kept model writes for new examples."""

from __future__ import annotations

from dataclasses import replace

from dlspec.data.feeding.trained import Training
from dlspec.data.sources.base import TEXT, Arrays
from dlspec.training.saved import SavedRun
from dlspec.training.sequence_writing import Writer


def writing_inputs(saved: SavedRun, writer: Writer) -> Training:
    """Facts by which examples are read that a model writes for: what it writes itself is no column of theirs."""
    if writer.prompted:
        return saved.training
    inputs = {name: tensor for name, tensor in saved.signature.inputs.items() if name != writer.fed}
    return saved.training_of(replace(saved.signature, inputs=inputs))


def texts_of(saved: SavedRun, writer: Writer, inputs: Arrays, first: int) -> list[str]:
    """The rows that a model writes, as texts.

    Args:
        saved: The run.
        writer: What lets it write.
        inputs: Raw examples, by input; those of a model that takes nothing else are what its rows begin with.
        first: The place of the first of them.
    """
    import numpy as np

    count = len(next(iter(inputs.values())))
    if not writer.prompted:
        fed = saved.takes[writer.fed]
        shape = (count, *(size or 1 for size in fed.shape))
        empty = np.full(shape, "", object) if fed.dtype == TEXT else np.zeros(shape, fed.dtype)
        inputs = {**inputs, writer.fed: empty}
    prepared = saved.entering_core(inputs)
    rows = prepared[writer.fed]
    if writer.pieces:
        beginnings = writer.prompts(saved.whole_rows(inputs, writer.fed))
    else:
        beginnings = writer.beginnings(count, rows if writer.prompted else None)
    written = writer.write(prepared, beginnings, np.arange(first, first + count))
    return [writer.text(row) for row in written]
