"""Words whose order as classes matters, and that nobody has put in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.targets import Output

# Two classes are in order either way.
_ORDERED = 3
_SHOWN = 6


def warn_of_order(data: Data, binding: Binding, graph: Graph, method: Method, findings: Findings) -> None:
    """Classes that something takes to be in an order, whose words are in that of the alphabet (W614)."""
    for output in binding.outputs:
        written = data.targets.get(output.target)
        by_alphabet = written is None or written.classes is None
        if not by_alphabet or not output.labelled or not _out_of_order(output.classes):
            continue
        who = _takes_order(output, graph, method)
        if who:
            with findings.at("data", "targets", output.target):
                raise Problem("W614", _message(who, output), _help(output))


def _out_of_order(classes: Sequence[str | int]) -> bool:
    """Whether classes are words that say no order by themselves, as letters and numbers before a word do."""
    labels = [label for label in classes if isinstance(label, str)]
    if len(labels) < max(_ORDERED, len(classes)) or max(map(len, labels)) == 1:
        return False
    matches = [re.match(r"-?\d+(?:\.\d+)?", label) for label in labels]
    numbers = [float(match.group()) for match in matches if match]
    return len(numbers) < len(labels) or numbers != sorted(numbers)


def _takes_order(output: Output, graph: Graph, method: Method) -> str:
    """The layer or metric that takes the classes of an output to be in an order; "" for none."""
    layer = last_layer(output, graph)
    if layer is not None and layer.ordered:
        return layer.registered_name
    return next((metric.registered_name for metric in method.metrics_of(output.name) if metric.ordered), "")


def last_layer(output: Output, graph: Graph) -> Layer | None:
    """The layer that gives an output; None where it is no layer, or that of a model."""
    edges = dict(graph.outputs)
    layer = graph.nodes[edges[output.name].node].layer if output.name in edges else None
    return layer if isinstance(layer, Layer) else None


def _message(who: str, output: Output) -> str:
    more = ", …" if len(output.classes) > _SHOWN else ""
    classes = ", ".join(f"`{label}`" for label in output.classes[:_SHOWN])
    order = "but nobody has written an order, and they are in that of the alphabet"
    return f"`{who}` takes the classes of `{output.column}` to be in order, {order}: {classes}{more}"


def _help(output: Output) -> str:
    written = ", ".join(map(str, output.classes)) if len(output.classes) <= _SHOWN else "…"
    return f"put them in order, from the lowest to the highest, in `classes: [{written}]` of this target"
