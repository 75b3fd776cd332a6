"""Warnings of columns of a table that a model learns little from, or nothing that carries over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.components.layers.base import Layer
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.missing import gaps
from dlspec.data.checks.advice import first_weights
from dlspec.data.checks.leaks import places_of, spread
from dlspec.data.checks.naming import ALL_DIFFERENT, FEWEST, is_time, names_something
from dlspec.data.sources.base import TEXT

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Numbers are too large for weights that begin near 1 / √inputs when their root mean square is.
_LARGE = 1000
# Rows that tell the size of a column, and whether it may have another value in each.
_SAMPLE = 1000
# So many rows that are numbered one after the other are no chance.
_NUMBERED = 50


def warn_of_scales(binding: Binding, data: Data, graph: Graph, findings: Findings) -> None:
    """Numbers of a table in the thousands that meet the first weights as they are (W612).

    A source that is streamed is not read for that.
    """
    for input_ in binding.column_inputs if not binding.table.streamed and not binding.table.draws else ():
        if not _plain(input_) or (layer := first_weights(graph, input_)) is None:
            continue
        sizes = {
            column: _size(some_of(binding.table.whole(column)))
            for column in input_.columns
            if _is_number(binding, column)
        }
        column = max(sizes, key=lambda name: sizes[name], default="")
        if not column or sizes[column] < _LARGE:
            continue
        written = input_.written in data.features
        with findings.at("data", *(("inputs", input_.written) if written else ("source",))):
            size = int(float(f"{sizes[column]:.2g}"))
            message = f"column `{column}` has values around {size:,} where it enters `{layer.name}`"
            raise Problem("W612", message, "write `prepare: [normalization]` for this input")


def _plain(input_: Input) -> bool:
    """Whether an input of numbers meets the model in the sizes of the data."""
    kept = all(isinstance(layer, Layer) and layer.keeps_range for layer in input_.prepare)
    return kept and input_.tensor.dtype.startswith("float") and input_.tensor.rank <= 1


def _is_number(binding: Binding, column: str) -> bool:
    """Whether an example has one number of a column; arrays are not read for a warning."""
    known = binding.table.columns[column]
    return not known.tensor.shape and not known.text


def some_of(values: Array) -> Array:
    """Values of some rows, far apart, of a column with many."""
    return values[spread(len(values), _SAMPLE)] if len(values) > _SAMPLE else values


def _size(values: Array) -> float:
    """Root mean square of those numbers that are known; 0 without any."""
    import numpy as np

    known = values[np.isfinite(values)].astype(np.float64)
    return float(np.sqrt((known**2).mean())) if len(known) else 0.0


def warn_of_ids(binding: Binding, data: Data, findings: Findings) -> None:
    """Columns that only name or number the rows (W607).

    The only column that enters a model is what it is to learn from. A source that is streamed is not read for that.
    """
    table = binding.table
    if len(binding.input_columns) < 2 or table.streamed or binding.count <= FEWEST:
        return
    for input_ in binding.inputs:
        for column in input_.columns:
            if table.columns[column].tensor.shape or input_.length or not _takes_names(input_):
                continue
            if table.columns[column].indices:  # a few classes
                continue
            if why := _why(column, table.whole(column)):
                for path in places_of(binding, data, column):
                    with findings.at("data", *path):
                        help = "leave it out: what is learnt of it does not carry over to other rows"
                        raise Problem("W607", f"column `{column}` {why}", help)


def _takes_names(input_: Input) -> bool:
    """Whether single numbers or words enter: no texts, dates, or what else a layer takes apart."""
    return input_.raw.dtype != TEXT or any(layer.categories for layer in input_.prepare)


def _why(column: str, values: Array) -> str:
    """In which way a column is but a name of its rows; "" where it may say something."""
    if is_time(column):
        return ""
    number = values.dtype != object
    if number and _numbers_rows(values):
        return "numbers the rows"
    # Most columns are done with after a few of their values.
    if (number and not names_something(column)) or not (_differs(some_of(values)) and _differs(values)):
        return ""
    if not number:
        return "has another word in nearly every row"
    return "" if (values % 1 > 0).any() else "has another number in nearly every row, and is named like an id"


def _numbers_rows(values: Array) -> bool:
    """Whether a column counts the rows, from 0 or 1."""
    import numpy as np

    if len(values) < _NUMBERED or values[0] not in (0, 1) or values[1] != values[0] + 1:
        return False
    return bool((values == values[0] + np.arange(len(values))).all())


def _differs(values: Array) -> bool:
    """Whether nearly each of some values is another one; those that are missing are none."""
    known = values[~gaps(values)]
    return len(known) > FEWEST and len(set(known.tolist())) >= ALL_DIFFERENT * len(known)
