"""Outputs whose threshold is chosen on the validation split."""

from __future__ import annotations

from collections.abc import Collection

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.targets import BINARY
from dlspec.data.checks.measures import require_validation
from dlspec.data.order.splits import named_parts


def check_decisions(data: Data, binding: Binding, method: Method, findings: Findings) -> None:
    """Such an output says one yes or no for an example (E503), and there are examples to choose by (E509)."""
    parts: Collection[str] = ()
    for output in binding.outputs:
        if method.decision_of(output.name) is None:
            continue
        path = method.path_of("threshold", output.name)
        if output.encoding != BINARY or output.graded or output.tensor.shape not in ((), (1,)):
            with findings.at(*path):
                message = f"`threshold` divides yes from no, and `{output.name}` gives no single yes or no"
                raise Problem("E503", message, "name the outputs that do: `threshold: {churned: f1}`")
        parts = parts or named_parts(data.parts, binding.table)
        with findings.at(*path):
            require_validation("`threshold`", data, parts, "")
