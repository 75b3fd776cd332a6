"""The tensors that training needs besides the outputs: those that `train` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from dlspec.components.layers.base import Layer
from dlspec.components.methods.wanted import Wanted
from dlspec.components.registry import find
from dlspec.core.errors import Problem, Span
from dlspec.core.ir import Edge
from dlspec.core.tree import span_at
from dlspec.graph.lower.graph_builder import Frame, GraphBuilder
from dlspec.graph.lower.program import Block, LayerStep, ModelDefinition, Program, walk
from dlspec.graph.lower.scope import Binding, Value
from dlspec.graph.lower.sources import Sources
from dlspec.semantics.environment import LOST
from dlspec.semantics.schema.context import Context
from dlspec.syntax.expressions import is_expression, unescape


def objectives(
    builder: GraphBuilder, program: Program, frame: Frame, outputs: list[tuple[str, Value]]
) -> list[tuple[str, Value]]:
    """Names and tensors of what is minimised or measured, each once; those of outputs are no further ones.

    A name that only `metrics` has may be a mistake that is told where the section is evaluated.
    """
    there = dict(outputs)
    tensors: dict[str, Value] = {}
    for wanted, span in _named(builder, frame):
        if frame.scope.find(wanted.name) is None:
            if wanted.minimised and wanted.name not in tensors:
                _report_unknown(builder, program, wanted.name, frame, span)
                tensors[wanted.name] = LOST
            continue
        value = there.get(wanted.name) or tensors.get(wanted.name)
        if value is None:
            value = tensors[wanted.name] = _tensor(builder, wanted.name, frame, span)
        if wanted.minimised and isinstance(value, Edge):
            _check_number(builder, wanted.name, value, span)
    return list(tensors.items())


def _report_unknown(builder: GraphBuilder, program: Program, name: str, frame: Frame, span: Span | None) -> None:
    """E401: nothing has the name, or it is given inside of a model or block."""
    parts: list[Block | ModelDefinition] = [*program.models.values(), *program.blocks.values()]
    inner = next((part.name for part in parts if any(name in step.names for step in walk(part.body))), "")
    message, help = f"nothing is named `{name}` here", builder.names_help(name, frame)
    if inner:
        message += f": it is inside of `{inner}`"
        help = f"list it under `outputs:` of `{inner}`, and name it where `{inner}` is called: `name: [output, {name}]`"
    builder.report(Problem("E401", message, help), span)


def _named(builder: GraphBuilder, frame: Frame) -> Iterator[tuple[Wanted, Span | None]]:
    """The wanted tensors with settled names, and their spans."""
    data, evaluator = builder.definition.declaration, builder.evaluator
    for wanted in builder.definition.wanted:
        span = span_at(data, wanted.path, wanted.on_key)
        if is_expression(wanted.name) and unescape(wanted.name) is None and not wanted.on_key:
            value = evaluator.value(wanted.name, frame.environment, {}, Context(wanted.path), span)
        else:
            value = evaluator.text(wanted.name, frame.environment, span)
        for name in value if isinstance(value, list | dict) else [value]:
            if isinstance(name, str):
                yield wanted._replace(name=name), span


def _tensor(builder: GraphBuilder, name: str, frame: Frame, span: Span | None) -> Value:
    """The tensor of a name; the turns of a repeat are summed."""
    binding = builder.lookup(name, frame, span)
    if len(binding.values) > 1 and not binding.lost:
        binding = _summed(builder, name, binding, frame)
    return builder.single(binding, name, span)


def _summed(builder: GraphBuilder, name: str, binding: Binding, frame: Frame) -> Binding:
    """The sum of what a name stood for in each turn: of the means over each example, where their shapes differ."""
    turns = [Binding((value,), binding.span) for value in binding.values]
    shapes = [builder.tensor(edge).shape for edge in binding.values if isinstance(edge, Edge)]
    if len(set(shapes)) > 1:
        turns = [
            _called(builder, "ops.mean", f"{name}_mean", (turn,), frame, axis=list(range(1, len(shape) + 1)))
            if shape
            else turn
            for turn, shape in zip(turns, shapes, strict=True)
        ]
    return _called(builder, "add", f"{name}_sum", tuple(turns), frame)


def _called(
    builder: GraphBuilder, layer: str, name: str, entering: tuple[Binding, ...], frame: Frame, **options: Any
) -> Binding:
    """The node of a layer that no step of the spec calls."""
    owner = cast("type[Layer]", find("layer", layer))
    step = LayerStep(layer, entering[0].span, None, layer=owner)
    return builder.call(owner(**options), Sources(entering, {}), frame.names.automatic(name), step, frame)


def _check_number(builder: GraphBuilder, name: str, edge: Edge, span: Span | None) -> None:
    """Checks that a minimised tensor has a gradient: it holds real numbers (E409)."""
    tensor = builder.tensor(edge)
    if not tensor.floating:
        help = "minimise a tensor of real numbers, such as what `losses.mse` gives"
        builder.report(Problem("E409", f"`{name}` cannot be minimised: it is {tensor.dtype}", help), span)
