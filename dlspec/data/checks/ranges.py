"""Targets outside of what a loss or metric is made for."""

from __future__ import annotations

from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.training.targets import Range
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.targets import VALUES, Output
from dlspec.data.sources.base import DataProblem


def check_ranges(binding: Binding, method: Method, findings: Findings) -> None:
    """Every loss and metric takes the numbers that its target holds (E618, W605).

    A source that is streamed is not read for that.
    """
    for output in binding.outputs if not binding.table.streamed else ():
        if output.encoding != VALUES:
            continue
        loss = method.loss_of(output.name)
        taken: Range | None = getattr(loss, "takes", None)
        with findings.at("train", "loss", output.name):
            _check(loss, binding, output, code="E618" if taken is not None and taken.strict else "W605")
        for position, metric in enumerate(method.metrics_of(output.name)):
            if taken is None or getattr(metric, "takes", None) != taken:  # said once
                with findings.at(*method.path_of("metrics", output.name), position):
                    _check(metric, binding, output, code="W605")


def _check(measure: Any, binding: Binding, output: Output, code: str) -> None:
    """One loss or metric.

    Raises:
        DataProblem: E618 or W605, a value is outside of what it takes.
    """
    takes: Range | None = getattr(measure, "takes", None)
    for column in output.columns if takes is not None else ():
        assert takes is not None
        values = binding.table.whole(column)
        outside = takes.outside(values)
        if outside.any():
            index = int(outside.reshape(len(outside), -1).any(axis=1).argmax())
            value = values[index][outside[index]].flat[0] if values.ndim > 1 else values[index]
            message = f"`{measure.name}` takes targets {takes.words}, column `{column}` holds {value:g}"
            raise DataProblem(code, message, takes.help, where=binding.table.where(index))
