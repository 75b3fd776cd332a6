"""What an example of a request holds, from what the run says of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from dlspec.core.errors import Problem
from dlspec.data.binding import missing
from dlspec.data.feeding.trained import Training
from dlspec.data.sources.base import TEXT
from dlspec.training.saved import SavedRun
from dlspec.training.written_answers import writing_inputs

Kind = Literal["number", "whole number", "text", "truth value", "array", "file"]


@dataclass(frozen=True, slots=True)
class RowColumn:
    """A column of an example.

    Attributes:
        name: As in the data of the training.
        kind: What its value is; of a file, its bytes in base 64.
        optional: Whether it may be ``null`` or left out: the model fills it in.
        shape: Of an array.
    """

    name: str
    kind: Kind
    optional: bool = False
    shape: tuple[int | None, ...] = ()


def columns_of(saved: SavedRun) -> list[RowColumn]:
    """The columns that a run needs to answer, in the order of its inputs.

    Raises:
        Problem: E523, the model takes nothing that a request could hold.
    """
    writer = saved.writer
    training = saved.training if writer is None else writing_inputs(saved, writer)
    inputs = saved.run.facts["data"].get("inputs", {})
    columns: dict[str, RowColumn] = {}
    for name, names in training.inputs.items():
        policy = inputs[name]["missing"]
        for column in names:
            optional = policy in (missing.FILL, missing.KEEP) and columns.get(column, _FREE).optional
            columns[column] = _column(saved, training, name, column, optional)
    if not columns:
        message = f"the model of run `{saved.run.id}` takes no columns, so there is nothing to ask it"
        raise Problem("E523", message, "`dlspec generate` draws from it")
    return list(columns.values())


_FREE = RowColumn("", "text", optional=True)
_KINDS: dict[str, Kind] = {"int": "whole number", "uint": "whole number", "float": "number", "bool": "truth value"}


def _column(saved: SavedRun, training: Training, input_: str, name: str, optional: bool) -> RowColumn:
    source = saved.data.source
    dtype = str((training.columns or {}).get(name, "float32"))
    if dtype == TEXT:
        return RowColumn(name, "text", optional)
    taken = training.saved.get(input_)
    shape = () if taken is None else taken.shape
    if source.decodes and source.table is None:
        return RowColumn(name, "file", False, shape)
    if len(training.inputs[input_]) == 1 and prod(size or 2 for size in shape) > 1:
        return RowColumn(name, "array", False, shape)
    if taken is not None and not taken.dtype.startswith("bool"):
        dtype = taken.dtype  # whole numbers of the training that enter a model of floating-point ones may have parts
    return RowColumn(name, _KINDS.get(dtype.rstrip("0123456789"), "number"), optional)
