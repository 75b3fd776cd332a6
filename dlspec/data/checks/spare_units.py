"""Classes that a model can answer, and that no example has."""

from __future__ import annotations

from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.labelling import single
from dlspec.data.binding.targets import Output
from dlspec.data.checks.ordering import last_layer
from dlspec.data.sources.base import Table


def warn_of_spare_units(data: Data, binding: Binding, graph: Graph, findings: Findings) -> None:
    """Outputs with more units than the target has classes (W630).

    Numbers are classes of which some may just not occur, but under a layer that puts all of them in order.
    """
    for output in binding.outputs:
        if not output.labelled or output.input or output.tensor.rank > 1:
            continue
        layer = last_layer(output, graph)
        ordered = layer is not None and layer.ordered
        count = len(output.classes) or (_numbers(output, binding.table) if ordered else 0)
        if not count or count >= output.units:
            continue
        who = f"`{layer.name}`" if ordered and layer is not None else f"output `{output.name}`"
        message = f"{who} has {output.units} classes, and target `{output.target}` has {count}: the others never occur"
        fix = f"write `{layer.name}: {count}`" if ordered and layer is not None else f"give it {count} units"
        with findings.at("data", "targets", output.target):
            raise Problem("W630", message, f"{fix}, or name all classes in `classes` of this target")


def _numbers(output: Output, table: Table) -> int:
    """How many classes the numbers of a column are, from 0 to the largest one; 0 where this is read as it is needed."""
    if table.streamed:
        return 0
    return int(max(single(table, output.column).values)) + 1
