"""Named inputs and outputs of a model, to which data are bound."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from dlspec.backends.keras.internals import calls_of, origin_of
from dlspec.core.errors import Note, Span
from dlspec.core.ir import Graph, Tensor

if TYPE_CHECKING:
    from dlspec.components.training.draws import Draw


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs and outputs by name, in the model's order.

    Attributes:
        places: The lines that made them, by name of input or output; empty for a Keras model.
        drawn: Further inputs, which no column gives, with what they are drawn from.
        entering: Names of all inputs, those drawn among them.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    places: Mapping[str, Span] = field(default_factory=dict)
    drawn: Mapping[str, tuple[Tensor, Draw]] = field(default_factory=dict)
    entering: tuple[str, ...] = ()

    def drawing(self, drawn: Mapping[str, tuple[Tensor, Draw]]) -> Signature:
        """A copy in which the inputs in `drawn` are drawn instead of read."""
        inputs = {name: tensor for name, tensor in self.inputs.items() if name not in drawn}
        used = {name: pair for name, pair in drawn.items() if name in self.inputs}
        return replace(self, inputs=inputs, drawn=used, entering=tuple(self.inputs))

    def without(self, inputs: Collection[str]) -> Signature:
        """A copy that lacks some inputs, which get their values from elsewhere than the data."""
        return replace(self, inputs={name: tensor for name, tensor in self.inputs.items() if name not in inputs})

    def named(self, outputs: Sequence[str]) -> Signature:
        """A copy with other names for a single output, which Keras calls by the layer that makes it."""
        if len(outputs) != 1 or len(self.outputs) != 1:
            return self
        return replace(self, outputs={outputs[0]: next(iter(self.outputs.values()))})

    def notes(self, name: str, what: str) -> tuple[Note, ...]:
        """A remark about where `name` is made, where that is known."""
        span = self.places.get(name)
        return (Note(what, span),) if span is not None else ()


def of_graph(graph: Graph) -> Signature:
    """The signature of a lowered graph."""
    inputs = {graph.nodes[index].name: graph.nodes[index] for index in graph.inputs}
    places = {name: node.span for name, node in inputs.items() if node.span is not None}
    for name, edge in graph.outputs:
        span = graph.nodes[edge.node].span
        if span is not None:
            places.setdefault(name, span)
    signature = Signature(
        {name: node.outputs[0] for name, node in inputs.items()},
        {name: graph.tensor(edge) for name, edge in graph.outputs},
        places,
    )
    return signature.drawing(drawn_inputs(graph))


def drawn_inputs(graph: Graph | None) -> dict[str, tuple[Tensor, Draw]]:
    """The inputs that are drawn, with what they are drawn from."""
    nodes = [graph.nodes[index] for index in graph.inputs] if graph is not None else []
    return {node.name: (node.outputs[0], cast("Draw", node.draw)) for node in nodes if node.draw is not None}


def of_model(model: Any) -> Signature:
    """The signature of a functional Keras model.

    Outputs are named by the keys of the model's output dictionary, or by the layers that make them.
    """
    inputs = {tensor.name: _tensor(tensor) for tensor in model.inputs}
    if isinstance(model.output, dict):
        return Signature(inputs, {name: _tensor(tensor) for name, tensor in model.output.items()})
    return Signature(inputs, dict(zip(model.output_names, map(_tensor, model.outputs), strict=True)))


def of_whole(model: Any, whole: Any) -> Signature:
    """Inputs of the whole trained model with the outputs of the saved one.

    Args:
        model: The saved one.
        whole: What is trained: it may take more inputs.
    """
    signature = Signature(of_model(whole).inputs, of_model(model).outputs)
    if whole is model or isinstance(model.output, dict):
        return signature
    return signature.named([name for name, tensor in whole.output.items() if tensor is model.output])


def limits_of(model: Any) -> dict[str, int]:
    """Number of indices by input, for inputs that enter an embedding or a category encoding unchanged."""
    import keras

    limits: dict[str, int] = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Embedding | keras.layers.CategoryEncoding):
            continue
        limit = layer.input_dim if isinstance(layer, keras.layers.Embedding) else layer.num_tokens
        for call in calls_of(layer):
            above = origin_of(call.input_tensors[0]).operation
            if isinstance(above, keras.layers.InputLayer):
                limits[above.name] = min(limit, limits.get(above.name, limit))
    return limits


def _tensor(tensor: Any) -> Tensor:
    return Tensor(tuple(tensor.shape[1:]), str(tensor.dtype))
