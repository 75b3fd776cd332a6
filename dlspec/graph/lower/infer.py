"""Static types of one call: what a layer or shared model returns, makes and costs for given inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import log10, prod
from typing import Any, NamedTuple

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component
from dlspec.core.errors import Problem
from dlspec.core.ir import Argument, Edge, Shape, SharedModel, Tensor, UnknownSize, Weight, show_shape

Inputs = Tensor | list[Tensor]
# Elements of a tensor, or of a variable: programs count them with 64 bits.
MOST_ELEMENTS = 2**63 - 1
_HELD_AGAINST_SHAPES = ("_initializer", "_regularizer")


class Call(NamedTuple):
    """Result of one call; `flops` is None where a size is unknown."""

    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...]
    flops: int | None


def call_layer(layer: Layer, positional: Sequence[Inputs], named: dict[str, Inputs]) -> Call:
    """Types and weights that a layer gives for its inputs.

    Raises:
        Problem: The inputs do not fit.
    """
    result = layer.infer(*positional, **named)
    masked = layer.mask(*positional, **named)
    outputs = result if isinstance(result, tuple) else (result,)
    # A layer's first output carries the mask; states and scores never do.
    typed = tuple(Tensor(tensor.shape, tensor.dtype, masked and not index) for index, tensor in enumerate(outputs))
    made = layer.weights(*positional, **named)
    weights = tuple(_typed(weight, layer.variable_dtype, layer.trainable) for weight in made)
    if any(name.endswith(_HELD_AGAINST_SHAPES) for name in layer.given):
        _require_suited(layer, weights, typed[0])
    try:
        flops: int | None = layer.flops(typed[0], *positional, **named)
    except UnknownSize:
        flops = None
    return Call(typed, weights, flops)


def _require_suited(layer: Layer, weights: Sequence[Weight], output: Tensor) -> None:
    """Holds what a layer is given to fill and to penalise its weights against their shapes.

    Raises:
        Problem: E402, an initializer or a regularizer is for weights of other shapes.
    """
    for weight in weights:
        stem = weight.name.removesuffix("_kernel")
        for option in (f"{stem}_initializer", f"{stem}_regularizer"):
            _require_shape(layer, option, weight.shape)
    _require_shape(layer, "activity_regularizer", (None, *output.shape))


def _require_shape(layer: Layer, option: str, shape: Shape) -> None:
    given = layer.given.get(option)
    if isinstance(given, Component):
        suited: Any = given  # initializers and regularizers are held against shapes
        suited.problem(shape)


def check_elements(name: str, outputs: Iterable[Tensor], weights: Iterable[Weight]) -> None:
    """Holds the sizes of what a call returns and makes against what programs can count.

    Raises:
        Problem: E415, there are too many elements.
    """
    for tensor in outputs:
        if prod(filter(None, tensor.shape)) > MOST_ELEMENTS:
            raise _too_many(f"`{name}` has", tensor.shape)
    for weight in weights:
        if prod(weight.shape) > MOST_ELEMENTS:
            raise _too_many(f"the {weight.name} of `{name}` has", weight.shape)


def _too_many(what: str, shape: Shape) -> Problem:
    digits = int(prod(filter(None, shape)).bit_length() * log10(2))
    text = f"{what} shape {show_shape(shape)}, about 10^{digits} elements: a tensor holds less than 2^63"
    return Problem("E415", text, "make it smaller: a size is often one digit too long")


def _typed(weight: Weight, dtype: str, trainable: bool) -> Weight:
    # The weights of a wrapped layer (`forward/kernel`) follow that layer's own dtype.
    own = dtype if "float" in weight.dtype and "/" not in weight.name else weight.dtype
    if own == weight.dtype and trainable:
        return weight
    return replace(weight, dtype=own, trainable=weight.trainable and trainable)


def call_model(model: SharedModel, tensors: Sequence[Tensor]) -> Call:
    """Applies a shared model to inputs; its rules run again where they are more precise than the declared ones.

    Raises:
        Problem: E402 or E405, the inputs are not what the model declares.
    """
    graph = model.graph
    declared = [graph.nodes[index].outputs[0] for index in graph.inputs]
    if len(tensors) != len(declared):
        names = ", ".join(graph.nodes[index].name for index in graph.inputs)
        message = f"{model.name} takes {len(declared)} inputs ({names}), but gets {len(tensors)}"
        raise Problem("E405", message, f"write `from: [{names}]` with what shall enter them")
    for index, expected, tensor in zip(graph.inputs, declared, tensors, strict=True):
        if not _fits(expected, tensor):
            raise Problem(
                "E402",
                f"input `{graph.nodes[index].name}` of {model.name} has shape {show_shape(expected.shape)}, "
                f"but gets {show_shape(tensor.shape)}",
                _advice(model, tensor),
            )
    key = tuple(tensors)
    if key not in model.calls:
        model.calls[key] = _call_graph(model, key)
    call: Call = model.calls[key]
    return call


def _advice(model: SharedModel, given: Tensor) -> str:
    """What to do where a tensor does not fit a model."""
    if model.application and given.rank == 3:
        return f"say so to {model.application}: `input_shape: {show_shape(given.shape)}`"
    if model.application:
        return f"{model.application} takes pictures: height, width and channels"
    if model.origin is not None:
        return f"`{model.origin.shown}` was saved so: give it what it takes, by `reshape` for example"
    return "a model's inputs are declared once; use `null` for an axis that differs between calls"


def _call_graph(model: SharedModel, tensors: tuple[Tensor, ...]) -> Call:
    graph = model.graph
    results: list[tuple[Tensor, ...]] = []
    flops: int | None = 0
    for node in graph.nodes:
        if node.layer is None:
            results.append((tensors[graph.inputs.index(node.index)],))
            continue
        result = apply(node.layer, node.arguments, node.keywords, lambda edge: results[edge.node][edge.output])
        results.append(result.outputs)
        flops = None if flops is None or result.flops is None else flops + result.flops
    return Call(tuple(results[edge.node][edge.output] for _, edge in graph.outputs), model.weights, flops)


def _fits(declared: Tensor, given: Tensor) -> bool:
    if declared.rank != given.rank:
        return False
    return all(a is None or b is None or a == b for a, b in zip(declared.shape, given.shape, strict=True))


def apply(
    layer: Any,
    arguments: Sequence[Argument],
    keywords: Sequence[tuple[str, Argument]],
    tensor: Callable[[Edge], Tensor],
) -> Call:
    """Applies a node's layer or shared model to the tensors that `tensor` gives for its edges."""

    def resolve(argument: Argument) -> Inputs:
        return tensor(argument) if isinstance(argument, Edge) else [tensor(edge) for edge in argument]

    if isinstance(layer, SharedModel):
        return call_model(layer, [tensor(edge) for edge in arguments if isinstance(edge, Edge)])
    return call_layer(layer, [resolve(item) for item in arguments], {name: resolve(item) for name, item in keywords})
