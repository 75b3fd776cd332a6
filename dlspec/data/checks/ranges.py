"""Targets outside of what a loss or metric is made for."""

from __future__ import annotations

from dlspec.components.methods.base import Method
from dlspec.components.training.heads import Head
from dlspec.components.training.losses import Loss
from dlspec.components.training.metrics import Metric
from dlspec.components.training.targets import Range
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.preparation import check_numbers, prepared
from dlspec.data.binding.targets import VALUES, Output
from dlspec.data.sources.base import DataProblem

# Examples of an array that are looked at.
_ROWS = 64


def check_ranges(binding: Binding, method: Method, findings: Findings) -> None:
    """Every loss and metric takes the numbers that its target holds (E618, W605).

    A source that is streamed is not read for that.
    """
    for output in binding.row_outputs if not binding.table.streamed else ():
        if output.encoding != VALUES:
            continue
        check_numbers(output, binding.table, findings)
        loss = method.loss_of(output.name)
        taken: Range | None = loss.takes if loss is not None else None
        with findings.at("train", "loss", output.name):
            _check(loss, binding, output, prepare=True, code="E618" if taken is not None and taken.strict else "W605")
        for position, metric in enumerate(method.chosen_metrics(output.name)):
            if taken is None or metric.takes != taken:  # said once
                with findings.at(*method.path_of("metrics", output.name), position):
                    _check(metric, binding, output, code="W605")


def check_reach(binding: Binding, method: Method, findings: Findings) -> None:
    """No target lies where the last activation of its output never gets (W506).

    Of arrays some rows are looked at, of sources that are streamed none.
    """
    for output in binding.row_outputs if not binding.table.streamed else ():
        head = method.head_of(output.name)
        if (
            output.encoding == VALUES
            and head.activation is not None
            and head.reaches != (None, None)
            and len(output.columns) == 1
        ):
            with findings.at("data", "targets", output.target):
                _check_reach(binding, output, head, head.activation.registered_name)


def _check_reach(binding: Binding, output: Output, head: Head, activation: str) -> None:
    """One output.

    Raises:
        DataProblem: W506, a value is out of reach.
    """
    values = prepared(output, binding.table, output.column)
    if values is None:
        return
    values = values[:_ROWS] if values.ndim > 1 else values
    least, most = head.reaches
    beyond = (values < least) if least is not None else (values != values)
    if most is not None:
        beyond = beyond | (values > most)
    if not beyond.any():
        return
    index = int(beyond.reshape(len(beyond), -1).any(axis=1).argmax())
    value = values[index][beyond[index]].flat[0] if values.ndim > 1 else values[index]
    ends = f"{least:g} to {most:g}" if None not in (least, most) else f"0 {'and more' if most is None else 'and less'}"
    message = f"`{output.name}` ends in {activation}, which gives {ends}, and `{output.column}` holds {value:g}"
    help = "leave the activation out"
    if output.prepare:
        message += " behind `prepare`"
    else:
        help += ", or let `prepare` of the target bring it there: that of an input changes no target"
    raise DataProblem("W506", message, help, "column", binding.table.where(index))


def _check(
    measure: Loss | Metric | None, binding: Binding, output: Output, code: str, *, prepare: bool = False
) -> None:
    """One loss or metric.

    Args:
        prepare: Whether it compares targets as their layers change them.

    Raises:
        DataProblem: E618 or W605, a value is outside of what it takes.
    """
    if measure is None or measure.takes is None:
        return
    takes = measure.takes
    for column in output.columns:
        values = prepared(output, binding.table, column) if prepare else binding.table.whole(column)
        if values is None:
            continue
        outside = takes.outside(values)
        if outside.any():
            index = int(outside.reshape(len(outside), -1).any(axis=1).argmax())
            value = values[index][outside[index]].flat[0] if values.ndim > 1 else values[index]
            behind = " behind `prepare`" if prepare and output.prepare else ""
            message = f"`{measure.name}` takes targets {takes.text}, column `{column}` holds {value:g}{behind}"
            raise DataProblem(code, message, takes.help, where=binding.table.where(index))
