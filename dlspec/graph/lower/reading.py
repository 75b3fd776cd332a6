"""Reads ``from``: names become tensors."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import Problem
from dlspec.core.ir import Edge
from dlspec.core.tree import Invalid, span_of, span_of_key
from dlspec.graph.lower.graph_builder import Frame, GraphBuilder
from dlspec.graph.lower.program import LayerStep, ParallelStep, RepeatStep, Step
from dlspec.graph.lower.scope import Binding, Value
from dlspec.graph.lower.sources import Sources
from dlspec.semantics.environment import LOST


def read_sources(builder: GraphBuilder, step: Step, frame: Frame) -> Sources:
    """Resolves a step's ``from`` (or the previous output)."""
    raw = step.source
    if isinstance(raw, Invalid):
        return Sources((Binding((LOST,)),), {})
    if raw is None:
        if isinstance(step, RepeatStep | ParallelStep) and builder.prev is None and builder.nodes:
            return Sources((), {}, single=True)  # its own steps may all say where their inputs come from
        alone = isinstance(step, LayerStep) and step.layer.takes_batch
        return Sources((_first_input(builder, step) if alone else previous(builder, step),), {}, single=True)
    written_as_value = raw is step.value
    span = step.span if written_as_value else span_of(step.value, "from")
    if isinstance(raw, str):
        return Sources((_name(builder, raw, frame, span),), {}, single=True)
    if isinstance(raw, list):
        bindings = tuple(_entry(builder, item, frame, span_of(raw, index)) for index, item in enumerate(raw))
        nested: frozenset[int | str] = frozenset(i for i, item in enumerate(raw) if isinstance(item, list))
        return Sources(bindings, {}, nested=nested)
    named = {key: _entry(builder, item, frame, span_of(raw, key) or span_of_key(raw, key)) for key, item in raw.items()}
    return Sources((), named, nested=frozenset(key for key, item in raw.items() if isinstance(item, list)))


def _first_input(builder: GraphBuilder, step: Step) -> Binding:
    """The first input of the model, wherever the step stands: in a block, too, it tells the number of examples."""
    known = builder.nodes and builder.nodes[0].layer is None
    return Binding((Edge(0) if known else LOST,), step.span)


def previous(builder: GraphBuilder, step: Step) -> Binding:
    """The output before a step; lost, with an error, where there is none."""
    if builder.prev is not None:
        return builder.prev
    if not builder.nodes and not builder.definition.inputs:
        return Binding((LOST,), step.span)  # no inputs at all: reported once for the spec
    problem = Problem(
        "E412", f"{step.key} needs `from`: there are several inputs", "write `from: name` with one of the inputs"
    )
    builder.report(problem, step.span)
    builder.prev = Binding((LOST,), step.span)
    return builder.prev


def _entry(builder: GraphBuilder, item: Any, frame: Frame, span: Any) -> Binding:
    if isinstance(item, list):
        values: list[Value] = []
        for index, name in enumerate(item):
            values.extend(_name(builder, name, frame, span_of(item, index)).values)
        return Binding(tuple(values), span)
    return _name(builder, item, frame, span)


def _name(builder: GraphBuilder, text: Any, frame: Frame, span: Any) -> Binding:
    if isinstance(text, Invalid):
        return Binding((LOST,), span)
    if isinstance(text, list):
        help = "write the names in one list"
        builder.report(Problem("E204", "an input must be a name, got a list inside a list", help), span)
        return Binding((LOST,), span)
    name = builder.evaluator.text(text, frame.environment, span)
    return builder.lookup(name, frame, span) if isinstance(name, str) else Binding((LOST,), span)
