"""Metrics against the target and the output that they compare."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.data.binding.findings import Findings


def check_metrics(method: Method, name: str, target: Tensor, output: Tensor | None, findings: Findings) -> None:
    """Every metric of an output can compare it with its target (E503)."""
    path = method.path_of("metrics", name)
    loss = method.loss_of(name)
    output = loss.compared(output) if loss is not None and output is not None else output
    of_vectors = []
    for position, metric in enumerate(method.chosen_metrics(name) if output is not None else ()):
        if _compares_vectors(metric, method.loss_of(name), target, output):
            of_vectors.append((position, metric.registered_name))
            continue
        with findings.at(*path, position):
            metric.problem(target, output)
    if of_vectors:  # one mistake, whatever the number of metrics
        who = " and ".join(dict.fromkeys(f"{called}" for _, called in of_vectors))
        message = f"{who} need{'s' if len(of_vectors) == 1 else ''} a value for each class, the target is class numbers"
        help = "write `loss: categorical_crossentropy`: it encodes class numbers as a value for each class"
        with findings.at(*path, of_vectors[0][0]):
            raise Problem("E503", message, help)


def _compares_vectors(metric: Any, loss: Any, target: Tensor, output: Any) -> bool:
    """Whether a metric that cannot take class numbers could take them encoded."""
    if loss is None or loss.targets != "classes":
        return False
    with suppress(Problem):
        metric.problem(target, output)
        return False
    with suppress(Problem):
        metric.problem(Tensor(output.shape, "float32"), output)
        return True
    return False
