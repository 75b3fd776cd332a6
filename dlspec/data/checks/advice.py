"""Warnings of data that fit a model and will teach it little: a measure without meaning, pictures without a scale."""

from __future__ import annotations

from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, Node, Shape
from dlspec.core.tree import plain_number
from dlspec.data.binding import labelling
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import VALUES, Output

# Weights begin with values that suit inputs of this size or less.
_LARGE = 10
_ROWS = 64
# Two axes of fewer values are steps with their features rather than a picture.
_SMALLEST_SIDE = 8


def warn_of_measures(binding: Binding, method: Method, findings: Findings) -> None:
    """Metrics that count right classes, of a target that holds quantities (W504)."""
    for output in binding.row_outputs:
        metrics = enumerate(method.chosen_metrics(output.name))
        counting = [(position, metric) for position, metric in metrics if metric.targets != VALUES]
        # Values are read only where they decide: a set of scikit-learn takes seconds to import.
        if output.encoding != VALUES or not counting or (value := _quantity(binding, output)) is None:
            continue
        path = method.path_of("metrics", output.name)
        for position, metric in counting:
            message = f"`{metric.name}` counts right classes, and `{output.column}` holds quantities such as {value}"
            with findings.at(*path, position):
                raise Problem("W504", message, "write `mae` or `r2_score`")


def _quantity(binding: Binding, output: Output) -> str | None:
    """A value of a target that is neither yes nor no; None where there is none, or reading would take long."""
    column = binding.table.columns[output.column]
    if binding.table.streamed or column.text or column.tensor.shape or len(output.columns) > 1:
        return None
    for value in labelling.single(binding.table, output.column).values:
        if value not in (-1, 0, 1):
            return plain_number(value)
    return None


def warn_of_ranges(binding: Binding, data: Data, graph: Graph, findings: Findings) -> None:
    """Pictures whose values are far larger than 1 where they meet the first weights (W610)."""
    for input_ in binding.column_inputs:
        if (
            input_.prepare
            or not (largest := _largest(binding, input_))
            or (layer := first_weights(graph, input_)) is None
        ):
            continue
        written = input_.written in data.features
        with findings.at("data", *(("inputs", input_.written) if written else ("source",))):
            message = f"column `{input_.columns[0]}` reaches {plain_number(largest)} where it enters `{layer.name}`"
            help = f"write `prepare: [{{rescaling: 1 / {plain_number(largest)}}}]` for this input"
            raise Problem("W610", message, help)


def _largest(binding: Binding, input_: Input) -> float | int:
    """The largest value of an input of pictures, as far as some rows tell; 0 for other inputs, or small values."""
    column = binding.table.columns[input_.columns[0]]
    if input_.stacked or not _is_picture(column.tensor.shape) or not input_.tensor.dtype.startswith("float"):
        return 0
    if column.largest:
        return column.largest
    if binding.table.streamed or binding.table.draws:
        return 0
    rows = binding.table.whole(input_.columns[0])[:_ROWS]
    if not rows.size or rows.min() < 0 or rows.max() < _LARGE:
        return 0
    largest = float(rows.max())
    return 255 if 128 <= largest <= 255 else int(largest) if largest.is_integer() else largest


def _is_picture(shape: Shape) -> bool:
    """[height, width, channels], or [height, width] of more than a few steps or features."""
    return len(shape) > 2 or (len(shape) == 2 and all(size is None or size >= _SMALLEST_SIDE for size in shape))


def first_weights(graph: Graph, input_: Input) -> Node | None:
    """The layer with weights that gets the values of an input as they are; None where none does."""
    start = next((index for index in graph.inputs if graph.nodes[index].name == input_.name), None)
    reached = {start}
    for node in graph.nodes:
        if node.index in reached or not any(edge.node in reached for edge in node.edges):
            continue
        if not isinstance(node.layer, Layer) or node.layer.normalizes:
            return None
        if node.weights:
            return node
        if node.flops == 0:
            reached.add(node.index)
    return None
