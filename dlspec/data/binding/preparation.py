"""Layers behind which a loss compares its target, and what the numbers of a target become there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.core.errors import Problem, leave_out
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.targets import VALUES, Output
from dlspec.data.sources.base import DataProblem, Table
from dlspec.graph.lower.infer import call_layer

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def check_preparation(outputs: Iterable[Output], method: Method | None, findings: Findings, *, shaped: bool) -> None:
    """A target that is prepared holds numbers, which its layers and the way of training take (E607, E402).

    Args:
        shaped: Whether a model says which shape the target takes.
    """
    for output in outputs:
        if not output.prepare:
            continue
        path = ("data", "targets", output.target)
        with findings.at(*path):
            if method is not None and not method.prepares_targets:
                message = f"training by `{method.name}` compares targets as they are"
                raise Problem("E607", message, leave_out("prepare"), "prepare")
            if output.encoding != VALUES:
                message = f"target `{output.target}` holds classes, and `prepare` of a target is for numbers"
                raise Problem("E607", message, leave_out("prepare"), "prepare")
            loss = method.loss_of(output.name) if method is not None else None
            if loss is not None and loss.quantiles and any(layer.falls for layer in output.prepare):
                message = "a `scale` below 0 makes the largest targets the smallest, and `quantile` their shares others"
                raise Problem("E607", message, "give another factor", "prepare")
            if shaped and not output.tensor.rank:
                message = f"output `{output.name}` is a single number without an axis, and features alone are prepared"
                raise Problem("E402", message, "end the model in `dense: 1`, or in `reshape: [1]`", "prepare")
        tensor = output.tensor
        known = shaped and output.encoding == VALUES and output.tensor.rank > 0
        for position, layer in enumerate(output.prepare if known else ()):
            with findings.at(*path, "prepare", position):
                tensor = call_layer(layer, [tensor], {}).outputs[0]


def check_numbers(output: Output, table: Table, findings: Findings) -> None:
    """Every layer takes the numbers that reach it (E618)."""
    for position, layer in enumerate(output.prepare):
        if layer.above is None:
            continue
        with findings.at("data", "targets", output.target, "prepare", position):
            for column in output.columns:
                values = prepared(output, table, column, position)
                if values is not None and (values <= layer.above).any():
                    raise _outside(layer, table, column, values, position)


def _outside(layer: Any, table: Table, column: str, values: Array, position: int) -> DataProblem:
    """E618 with the first number that a layer does not take."""
    outside = values <= layer.above
    index = int(outside.reshape(len(outside), -1).any(axis=1).argmax())
    value = values[index][outside[index]].flat[0] if values.ndim > 1 else values[index]
    reached = f"column `{column}` holds" if position == 0 else f"what reaches it of column `{column}` is"
    message = f"`{layer.name}` takes numbers above {layer.above:g}, {reached} {value:g}"
    help = "`power: yeo_johnson` takes all numbers"
    return DataProblem("E618", message, help, where=table.where(index))


def prepared(output: Output, table: Table, column: str, layers: int | None = None) -> Array | None:
    """A column of a target behind the first `layers` of its preparation (all unless given), about; None where that is
    not known."""
    import numpy as np

    values: Array | None = table.whole(column)
    if not output.prepare or values is None:
        return values
    values = values.astype(np.float64)
    with np.errstate(all="ignore"):
        for layer in output.prepare[:layers]:
            values = None if values is None else layer.measured(values)
    return values
