"""Targets among the inputs: columns that hold the target itself, or from which it follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.missing import gaps
from dlspec.data.binding.targets import Output
from dlspec.graph.lower.prune import saved_part

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Fewer examples show little.
_FEWEST = 20
# So many examples, spread over all of them, are looked at first, and then so many: most columns are done with then.
_SAMPLES = (64, 512)
# So many examples show that a bound between classes is no chance.
_BOUNDED = 200
# So many examples for each distinct value, or chance would have it.
_REPEATED = 5


def warn_of_leaks(binding: Binding, data: Data, graph: Graph | None, findings: Findings) -> None:
    """No input holds what is to be predicted (W604).

    A model that learns to give back what enters it, and one with a single column to predict from, are as they should
    be, and so is an input that only losses need. A source that is streamed is not read for that.
    """
    if graph is not None and graph.objectives:
        saved = saved_part(graph)
        answering = {saved.nodes[index].name for index in saved.inputs}
        binding = replace(binding, inputs=tuple(input_ for input_ in binding.inputs if input_.name in answering))
    for output in binding.row_outputs:
        if len(binding.input_columns) < 2 or set(binding.input_columns) <= set(output.columns):
            continue
        for column in output.columns:
            if column in binding.input_columns:
                _warn(binding, data, column, f"column `{column}` is target `{output.target}` itself", findings)
        if len(output.columns) == 1 and not binding.table.streamed:
            _compare(binding, data, output, findings)


def _compare(binding: Binding, data: Data, output: Output, findings: Findings) -> None:
    """The columns of single values against a target of single values."""
    table = binding.table
    if table.columns[output.column].tensor.shape or binding.count < _FEWEST:
        return
    target = table.whole(output.column)
    samples = [spread(binding.count, size) for size in _SAMPLES if size < binding.count]
    for column in binding.input_columns:
        if column == output.column or table.columns[column].tensor.shape:
            continue
        values = table.whole(column)
        if all(_how(values[some], target[some], output, whole=False) for some in samples) and (
            how := _how(values, target, output, whole=True)
        ):
            _warn(binding, data, column, f"target `{output.target}` follows from column `{column}`: {how}", findings)


def spread(count: int, size: int) -> Array:
    """The numbers of some examples, far apart."""
    import numpy as np

    return np.linspace(0, count - 1, size).astype(np.int64)


def _how(values: Array, target: Array, output: Output, *, whole: bool) -> str:
    """In which way the target follows from a column; "" where it does not. A sample that shows nothing says it may."""
    known = ~(gaps(values) | gaps(target))
    values, target = values[known], target[known]
    if len(values) < _FEWEST or (values == values[0]).all() or (target == target[0]).all():
        return "" if whole else "?"
    if (values == target).all():
        return "they are equal"
    if not output.labelled and _in_step(values, target):
        return "each grows or falls with the other"
    if output.labelled and (len(values) >= _BOUNDED or not whole) and _bounded(values, target):
        return "its size tells the class"
    return "each of its values comes with one of the target" if _one_each(values, target, whole=whole) else ""


def _in_step(values: Array, target: Array) -> bool:
    """Whether a number is a growing or falling function of another: its multiple, logarithm, square."""
    import numpy as np

    if values.dtype == object or target.dtype == object:
        return False
    order = np.argsort(target, kind="stable")
    steps, ahead = np.diff(values[order].astype(np.float64)), np.diff(target[order].astype(np.float64)) > 0
    enough = int(ahead.sum()) + 1 >= _FEWEST
    return enough and (_all(steps, ahead) or _all(-steps, ahead))


def _all(steps: Array, ahead: Array) -> bool:
    """Whether a number grows exactly where the other one does."""
    return bool(((steps > 0) == ahead).all() and (steps[~ahead] == 0).all())


def _bounded(values: Array, target: Array) -> bool:
    """Whether each class has a range of its own in a column of numbers."""
    import numpy as np

    if values.dtype == object:
        return False
    order = np.argsort(values, kind="stable")
    values, target = values[order], target[order]
    changes = target[1:] != target[:-1]
    if int(changes.sum()) >= len(set(target.tolist())):
        return False
    return not (changes & (values[1:] == values[:-1])).any()


def _one_each(values: Array, target: Array, *, whole: bool) -> bool:
    """Whether each of few values always comes with the same value of the target: a code, or another name.

    Of such values some occur twice even in a sample.
    """
    labels: dict[Any, Any] = {}
    for value, label in zip(values.tolist(), target.tolist(), strict=True):
        if labels.setdefault(value, label) != label:
            return False
    return len(labels) * (_REPEATED if whole else 1) <= len(values) - (not whole)


def _warn(binding: Binding, data: Data, column: str, message: str, findings: Findings) -> None:
    for path in places_of(binding, data, column):
        with findings.at("data", *path):
            raise Problem("W604", message, "leave it out, unless it is known before what is predicted")


def places_of(binding: Binding, data: Data, column: str) -> Iterator[tuple[str | int, ...]]:
    """Where the section names a column that enters the model, once for each input."""
    for input_ in binding.inputs:
        if column in input_.columns:
            stacked = ("columns", input_.columns.index(column)) if input_.stacked else ("column",)
            yield ("inputs", input_.name, *stacked) if input_.name in data.features else ("source",)
