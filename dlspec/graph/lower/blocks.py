"""Calls of blocks: values of their parameters, their inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.components.registry import MISSING
from dlspec.core.errors import Problem, Span, did_you_mean
from dlspec.core.ir import Tensor
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.graph.lower.graph_builder import Frame, GraphBuilder, lost
from dlspec.graph.lower.program import Block, Step
from dlspec.graph.lower.scope import Binding, Value
from dlspec.graph.lower.sources import Sources
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.evaluate import evaluate_plain
from dlspec.syntax.expressions import UnknownValue


def block_values(
    builder: GraphBuilder,
    block: Block,
    step: Step,
    environment: Environment,
    outer: Environment,
    inputs: Mapping[str, Binding] | Lost,
) -> dict[str, Any]:
    """Values of a block's parameters at one call; :data:`LOST` for those that an error hides.

    Args:
        environment: Meaning of the ``$names`` in what the call gives.
        outer: That of those in the defaults, besides other parameters.
        inputs: What enters, whose sizes defaults may use.
    """

    def type_of(name: str) -> Tensor | Lost:
        if isinstance(inputs, Lost):
            return LOST
        if name not in inputs:
            raise Problem("E401", f"no input of block {block.name} is named `{name}`", did_you_mean(name, inputs))
        return builder.named_type(name, inputs[name])

    given: Mapping[str, Any] = step.options
    if step.value is not None and not isinstance(step.value, Map):
        given = {next(iter(block.params)): step.value} if block.params else {"": step.value}
    problems = [name for name in given if name not in block.params] if not block.declaration.tainted else []
    for name in problems:
        known = name and block.params
        text = f"block {block.name} has no parameter `{name}`" if known else f"block {block.name} takes no parameters"
        span = span_of_key(step.value, name) or step.span
        missing = [p for p in block.params if p not in given]
        help = did_you_mean(name, missing or block.params) if block.params else "declare some under its `params:`"
        builder.report(Problem("E306", text, help), span)
    values: dict[str, Any] = {}
    absent: list[str] = []
    defaults = Environment(values, outer, environment.entering, position=environment.position, tensors=type_of)
    for name, default in block.params.items():
        if name in given:
            span = span_of(step.value, name) if isinstance(step.value, Map) else step.value_span
            values[name] = _parameter(builder, given[name], environment, span or step.span)
        elif default is MISSING:
            values[name] = LOST
            absent.append(name)
        else:
            values[name] = _parameter(builder, default, defaults, span_of(block.declaration.get("params"), name))
    if absent and not problems:
        from dlspec.semantics.schema.wording import example

        text = f"{block.name} needs " + ", ".join(f"`{name}`" for name in absent)
        builder.report(Problem("E307", text, example(block.name, *absent)), step.span)
    return values


def _parameter(builder: GraphBuilder, raw: Any, environment: Environment, span: Span | None) -> Any:
    try:
        return evaluate_plain(raw, environment, numeric=True)
    except UnknownValue:
        return LOST
    except Problem as problem:
        builder.report(problem, span)
        return LOST


def block_inputs(builder: GraphBuilder, block: Block, step: Step, sources: Sources) -> dict[str, Binding] | Lost:
    """The block's inputs by name, or LOST where their number is wrong."""
    names = block.inputs or ("input",)
    if sources.named:
        bindings = {name: sources.named[name] for name in names if name in sources.named}
        unknown = [name for name in sources.named if name not in names]
    else:
        bindings = dict(zip(names, sources.positional, strict=False))
        unknown = [] if len(sources.positional) <= len(names) else ["more"]
    if unknown or len(bindings) != len(names):
        count = len(sources.named or sources.positional)
        wanted = ", ".join(f"`{name}`" for name in names)
        if not sources.lost:
            problem = Problem(
                "E405",
                f"{block.name} takes {len(names)} inputs ({wanted}), but gets {count}",
                f"give `from: [{', '.join(names)}]`",
            )
            builder.report(problem, span_of_key(step.value, "from") or step.span)
        return LOST
    return bindings


def block_outputs(builder: GraphBuilder, block: Block, frame: Frame, step: Step) -> Binding:
    """The named outputs of a call of a block, or its last tensor."""
    if not block.outputs:
        return builder.prev or lost(step)
    values: list[Value] = []
    written = block.declaration.get("outputs")
    for index, name in enumerate(block.outputs):
        span = span_of(written, index) if isinstance(written, list) else span_of(block.declaration, "outputs")
        values.append(builder.single(builder.lookup(name, frame, span), name, span))
    return Binding(tuple(values), step.span)
