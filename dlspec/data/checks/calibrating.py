"""Outputs whose probabilities are calibrated."""

from __future__ import annotations

from dlspec.components.layers.base import Layer
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.components.training.heads import Head
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.targets import Output
from dlspec.data.checks.measures import require_validation
from dlspec.data.order.splits import named_parts


def check_calibration(data: Data, binding: Binding, graph: Graph, method: Method, findings: Findings) -> None:
    """Some output gives probabilities from a last dense layer (E503), and there are examples to fit to (E509)."""
    if method.calibration is None:
        return
    with findings.at("train", "calibration"):
        if not any(
            calibrated(output, method.head_of(output.name)) and _scalable(graph, output.name)
            for output in binding.outputs
        ):
            message = "`calibration` is for classes and yes or no out of a last `dense`, and no output gives these"
            help = "end the model in `dense` with `activation: sigmoid` or `softmax`, under a crossentropy"
            raise Problem("E503", message, help)
        require_validation("`calibration`", data, named_parts(data.parts, binding.table), "")


def calibrated(output: Output, head: Head) -> bool:
    """Whether an output gives one class, or yes or no, with its probability."""
    loss = head.loss
    if loss is None or not loss.likelihood or output.graded or output.separator or len(output.columns) > 1:
        return False
    shape = output.tensor.shape[:-1] if output.expand else output.tensor.shape
    return shape in ((), (1,)) and (loss.from_logits or (head.activation is not None and head.activation.logistic))


def _scalable(graph: Graph, name: str) -> bool:
    """Whether the last layer of an output can be scaled; a built model may call a single output otherwise."""
    edges = dict(graph.outputs)
    edge = edges[name] if name in edges else next(iter(edges.values()))
    layer = graph.nodes[edge.node].layer
    return isinstance(layer, Layer) and layer.scalable
