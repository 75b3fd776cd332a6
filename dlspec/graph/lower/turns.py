"""Repetition of steps: counts, lists of values and conditions."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import Problem
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.graph.lower.graph_builder import GraphBuilder
from dlspec.graph.lower.program import RepeatStep, Step
from dlspec.semantics.environment import LOST, Environment, Lost
from dlspec.semantics.schema.context import Context

_COUNT = {"type": "integer", "minimum": 0, "maximum": 100_000}
_CONDITION = {"type": "boolean"}
# Index and own names of each turn; one turn without an index where nothing repeats.
Turns = list[tuple[int | None, dict[str, Any]]]


def turns_of(builder: GraphBuilder, step: Step, environment: Environment) -> Turns | Lost:
    """The turns of a step, or LOST where an error hides their number."""
    if isinstance(step, RepeatStep) and step.each is not None:
        return _each(builder, step, step.each, environment)
    raw = step.times if isinstance(step, RepeatStep) else step.repeat
    if raw is None:
        return [(None, {})]
    key = "times" if isinstance(step, RepeatStep) else "repeat"
    count = builder.evaluator.value(
        raw, environment, _COUNT, Context(("layers", step.key, key)), span_of(step.value, key), numeric=True
    )
    return count if isinstance(count, Lost) else [(index, {}) for index in range(count)]


def _each(builder: GraphBuilder, step: RepeatStep, each: Map, environment: Environment) -> Turns | Lost:
    columns: dict[str, list[Any]] = {}
    for name, raw in each.items():
        context = Context(("layers", "each", name))
        value = builder.evaluator.value(
            raw, environment, {"type": "array"}, context, span_of(each, name), numeric=False
        )
        if isinstance(value, Lost):
            return LOST
        columns[name] = value
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"`{name}` {length}" for name, length in lengths.items())
        builder.report(
            Problem("E312", f"the lists of `each` have different lengths: {text}"), span_of_key(step.value, "each")
        )
        return LOST
    rows = zip(*columns.values(), strict=True)
    return [(index, dict(zip(columns, row, strict=True))) for index, row in enumerate(rows)]


def work_out(builder: GraphBuilder, step: Step, environment: Environment, values: dict[str, Any]) -> None:
    """Adds the values of a group's ``let`` to those of its turn, each of which sees those above it."""
    let = step.let if isinstance(step, RepeatStep) else None
    for name, raw in let.items() if let is not None else ():
        context, span = Context(("layers", "let", name)), span_of(let, name)
        values[name] = builder.evaluator.value(raw, environment, {}, context, span, numeric=True)


def condition_of(builder: GraphBuilder, step: Step, environment: Environment) -> bool | Lost:
    """The value of a step's ``if``; true where it has none."""
    if step.condition is None:
        return True
    span = span_of(step.value, "if")
    value = builder.evaluator.value(step.condition, environment, _CONDITION, Context(("layers", step.key, "if")), span)
    return value if isinstance(value, bool | Lost) else LOST
