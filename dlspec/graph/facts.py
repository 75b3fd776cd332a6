"""Graph → facts → text or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.core.ir import Edge, Graph, Node, SharedModel, shared_models, show_bytes, show_shape
from dlspec.core.terminal import table
from dlspec.graph.lower.prune import saved_part

if TYPE_CHECKING:
    from dlspec.components.sections.adapting import Adapted
    from dlspec.core.documents.model import AdapterFacts, LayerFacts, Model, Parameters, TensorFacts

_UNKNOWN = "unknown: an axis has no size, or a layer is code of the spec"


def facts(graph: Graph, name: str, adapted: Adapted | None = None) -> Model:
    """The figures of a graph that ``dlspec show`` prints, as plain data.

    Counts: FLOPs and activation bytes are per example and None where a size is unknown; one multiply-add is 2 FLOPs.

    Args:
        graph: What is trained: told are the part that is saved, and what training needs besides.
        name: Of the spec.
        adapted: The adapters of its training.
    """
    saved = saved_part(graph)
    model: Model = {
        "name": name,
        "parameters": _parameters(saved),
        "flops": saved.flops,
        "activation_bytes": saved.activation_bytes,
        "inputs": _inputs(saved),
        "outputs": _tensors(saved, saved.outputs),
        "layers": [_layer(saved, node) for node in saved.nodes],
    }
    if saved is not graph:
        model["training"] = {
            "parameters": _parameters(graph),
            "inputs": {name: tensor for name, tensor in _inputs(graph).items() if name not in model["inputs"]},
            "objectives": _tensors(graph, graph.objectives),
            "layers": list(_further_layers(graph, saved)),
        }
    if adapted is not None:
        model["adapters"] = adapter_facts(graph, adapted)
    return model


def adapter_facts(graph: Graph, adapted: Adapted) -> AdapterFacts:
    """The adapters of a training; `graph` is all that is trained, without them."""
    return {
        "adapter": adapted.adapter.name,
        "rank": adapted.adapter.rank,
        "beside": [site.weight.name for site in adapted.sites],
        "parameters": adapted.parameters,
        "trainable": adapted.trainable,
        "total": graph.parameters + adapted.parameters,
    }


def show_adapters(adapters: AdapterFacts) -> str:
    """A phrase: ``lora of rank 4 beside 3 weights: 1,034 of 14,060 parameters learn, 1,024 of them in adapters``."""
    count = len(adapters["beside"])
    where = f"{adapters['adapter']} of rank {adapters['rank']} beside {count} weight{'s' if count != 1 else ''}"
    learn = f"{adapters['trainable']:,} of {adapters['total']:,} parameters learn"
    others = adapters["trainable"] > adapters["parameters"]
    return f"{where}: {learn}" + (f", {adapters['parameters']:,} of them in adapters" if others else "")


def _parameters(graph: Graph) -> Parameters:
    trainable = graph.trainable_parameters
    return {"total": graph.parameters, "trainable": trainable, "non_trainable": graph.parameters - trainable}


def _inputs(graph: Graph) -> dict[str, TensorFacts]:
    return {graph.nodes[i].name: _tensor(graph.nodes[i].outputs[0]) for i in graph.inputs}


def _tensors(graph: Graph, named: Iterable[tuple[str, Edge]]) -> dict[str, TensorFacts]:
    return {name: _tensor(graph.tensor(edge)) for name, edge in named}


def _further_layers(graph: Graph, saved: Graph) -> Iterator[LayerFacts]:
    """The layers that the saved part lacks; calls of a shared model that it has share its weights."""
    there = {node.name for node in saved.nodes}
    first = {node.kind: node.name for node in reversed(saved.nodes) if isinstance(node.layer, SharedModel)}
    made = {model.name for model in shared_models(saved)}
    for node in graph.nodes:
        if node.name in there:
            continue
        if not isinstance(node.layer, SharedModel):
            yield _layer(graph, node)
            continue
        own = replace(node, weights=tuple(node.layer.new_weights(made)), shared=None)
        shares = first.setdefault(node.kind, node.name)
        row = _layer(graph, own)
        row["shares"] = shares if shares != node.name else None
        yield row


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
    """One line: ``8 layers, 61,706 parameters, 852.38 k FLOPs``; of the saved part, and what more training has."""
    saved = saved_part(graph)
    layers = sum(node.layer is not None for node in saved.nodes)
    flops = f", {show_count(saved.flops)} FLOPs" if saved.flops is not None else ""
    more = _more(graph.parameters - saved.parameters)
    return f"{layers} layer{'s' if layers != 1 else ''}, {saved.parameters:,} parameters{more}{flops}"


def _more(parameters: int) -> str:
    return f" ({parameters:,} more in training)" if parameters else ""


def text_table(report: Mapping[str, Any]) -> str:
    """The facts as tables with totals; columns that the facts do not hold are left out."""
    lines = _table(report["layers"], counted="flops" in report)
    if "training" in report:
        objectives = ", ".join(report["training"]["objectives"])
        lines += ["", f"in training besides, for {objectives}:", ""]
        lines += _table(report["training"]["layers"], counted="flops" in report)
    return "\n".join([*lines, "", *totals(report)])


def _table(layers: Sequence[Mapping[str, Any]], *, counted: bool) -> list[str]:
    head = ["name", "layer", "output shape", "parameters"] + (["FLOPs"] if counted else [])
    rows = [
        [
            layer["name"],
            layer["layer"],
            show_shapes(layer["output_shape"]),
            f"{layer['parameters']:,}" if layer["shares"] is None else "(shared)",
            *([_count(layer["flops"])] if counted else []),
        ]
        for layer in layers
    ]
    return table([head, *rows], numbers=(3, 4), rule=True)


def totals(report: Mapping[str, Any]) -> list[str]:
    """Lines with the totals, below the table."""
    count = report["parameters"]
    more = _more(report["training"]["parameters"]["total"] - count["total"]) if "training" in report else ""
    lines = [
        f"parameters  {count['total']:,} (trainable {count['trainable']:,}, not trainable {count['non_trainable']:,})"
        + more
    ]
    if "adapters" in report:
        lines.append(f"adapters    {show_adapters(report['adapters'])}")
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
