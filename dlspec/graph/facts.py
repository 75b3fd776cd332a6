"""Graph → facts → text or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlspec.core.ir import Graph, Node, show_bytes, show_shape
from dlspec.core.terminal import table

if TYPE_CHECKING:
    from dlspec.core.documents.model import LayerFacts, Model, TensorFacts

_UNKNOWN = "unknown, since an axis has no size"


def facts(graph: Graph, name: str) -> Model:
    """Everything ``dlspec show`` tells, as plain data.

    Counts: FLOPs and activation bytes are per example and None where a size is unknown; one multiply-add is 2 FLOPs.
    """
    trainable = graph.trainable_parameters
    return {
        "name": name,
        "parameters": {
            "total": graph.parameters,
            "trainable": trainable,
            "non_trainable": graph.parameters - trainable,
        },
        "flops": graph.flops,
        "activation_bytes": graph.activation_bytes,
        "inputs": {graph.nodes[i].name: _tensor(graph.nodes[i].outputs[0]) for i in graph.inputs},
        "outputs": {output: _tensor(graph.tensor(edge)) for output, edge in graph.outputs},
        "layers": [_layer(graph, node) for node in graph.nodes],
    }


def _layer(graph: Graph, node: Node) -> LayerFacts:
    shapes = [list(tensor.shape) for tensor in node.outputs]
    return {
        "name": node.name,
        "layer": node.kind,
        "output_shape": shapes[0] if len(shapes) == 1 else shapes,
        "dtype": node.outputs[0].dtype,
        "masked": node.outputs[0].masked,
        "parameters": node.parameters,
        "trainable_parameters": node.trainable_parameters,
        "flops": node.flops,
        "activation_bytes": node.activation_bytes,
        "inputs": [graph.nodes[edge.node].name for edge in node.edges],
        "shares": graph.nodes[node.shared].name if node.shared is not None else None,
        "line": node.span.line if node.span else None,
    }


def _tensor(tensor: Any) -> TensorFacts:
    return {"shape": list(tensor.shape), "dtype": tensor.dtype}


def headline(graph: Graph) -> str:
    """One line: ``8 layers, 61,706 parameters, 852.38 k FLOPs``."""
    layers = sum(node.layer is not None for node in graph.nodes)
    flops = f", {show_count(graph.flops)} FLOPs" if graph.flops is not None else ""
    return f"{layers} layer{'s' if layers != 1 else ''}, {graph.parameters:,} parameters{flops}"


def text_table(report: Mapping[str, Any]) -> str:
    """The facts as a table with totals; columns that the facts do not hold are left out."""
    head = ["name", "layer", "output shape", "parameters"] + (["FLOPs"] if "flops" in report else [])
    rows = [
        [
            layer["name"],
            layer["layer"],
            show_shapes(layer["output_shape"]),
            f"{layer['parameters']:,}" if layer["shares"] is None else "(shared)",
            *([_count(layer["flops"])] if "flops" in report else []),
        ]
        for layer in report["layers"]
    ]
    return "\n".join([*table([head, *rows], numbers=(3, 4), rule=True), "", *totals(report)])


def totals(report: Mapping[str, Any]) -> list[str]:
    """The lines under the table."""
    count = report["parameters"]
    lines = [
        f"parameters  {count['total']:,} (trainable {count['trainable']:,}, not trainable {count['non_trainable']:,})"
    ]
    if "flops" in report:
        flops = f"{show_count(report['flops'])} per example" if report["flops"] is not None else _UNKNOWN
        lines.append(f"FLOPs       {flops} (one multiply-add is 2)")
    if "activation_bytes" in report:
        size = report["activation_bytes"]
        memory = show_bytes(size) if size is not None else "unknown: an axis has no size"
        lines.append(
            f"memory      {memory} of activations per example, {show_bytes(4 * count['total'])} of float32 weights"
        )
    return lines


def show_count(count: int) -> str:
    """A large count, rounded: ``852.38 k``, ``7.76 G``, ``1.20e+21``."""
    if count >= 10**18:
        return f"{count:.2e}"
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return str(count)


def show_shapes(shape: Any) -> str:
    """The shape of one tensor, or those of several, as a spec writes them."""
    if shape and isinstance(shape[0], list):
        return " ".join(show_shape(tuple(item)) for item in shape)
    return show_shape(tuple(shape))


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}"
