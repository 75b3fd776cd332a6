"""The turns of a repeat: what a ``for`` goes through, or each turn written out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlspec.export.python.calls import CallWriter
from dlspec.export.python.scope import Constant, Meaning, Scope, Variable
from dlspec.export.python.syntax import Unsupported, assign, call, constant
from dlspec.export.python.wiring import Inputs
from dlspec.graph.lower.program import RepeatStep, Step
from dlspec.syntax.expressions import names_in


@dataclass(frozen=True)
class Loop:
    """The head of a ``for``.

    Attributes:
        meanings: What the names of the repeat stand for in each turn.
    """

    target: ast.expr
    iterable: ast.expr
    meanings: dict[str, Meaning]

    @property
    def variables(self) -> list[str]:
        """The loop's own variables."""
        return [meaning.identifier for meaning in self.meanings.values() if isinstance(meaning, Variable)]


def turns_of(writer: CallWriter, step: Step, inputs: Inputs) -> list[dict[str, Meaning]] | Loop:
    """The head of a loop; or the names of each turn, where a loop cannot vary them."""
    scope = writer.scope.at(inputs.first)
    columns = step.each if isinstance(step, RepeatStep) else None
    count = step.times if isinstance(step, RepeatStep) else step.repeat
    if writer.module.constant_params.unrolled(step):
        return _written_out(scope, count) if columns is None else _columns_written_out(writer, columns, scope)
    index = writer.loop_variable("index") if _uses_index(step) else ""
    counted: dict[str, Meaning] = {"index": Variable(index)} if index else {}
    if columns is None:
        return Loop(_stored(index or "_"), call("range", [scope.value(count)]), counted)
    names = {column: Variable(writer.loop_variable(column), _many(values, scope)) for column, values in columns.items()}
    lists = [scope.value(values) for values in columns.values()]
    targets = [_stored(variable.identifier) for variable in names.values()]
    target = targets[0] if len(targets) == 1 else ast.Tuple(targets, ast.Store())
    iterable = lists[0] if len(lists) == 1 else call("zip", lists, {"strict": constant(True)})
    if index:
        target = ast.Tuple([_stored(index), target], ast.Store())
        iterable = call("enumerate", [iterable])
    return Loop(target, iterable, {**names, **counted})


def varied(step: Step) -> set[str]:
    """The names that have another value in each turn of a group."""
    if not isinstance(step, RepeatStep):
        return set()
    names = {"index", *(step.each or ())}
    for key, raw in (step.let or {}).items():
        if not names.isdisjoint(names_in(raw)):
            names.add(key)
    return names


def _stored(identifier: str) -> ast.expr:
    return ast.Name(identifier, ast.Store())


def _many(values: Any, scope: Scope) -> bool:
    """Whether each turn's value is a sequence."""
    known = scope.constant(values)
    listed = known.value if known is not None else values
    return isinstance(listed, list | tuple) and any(isinstance(value, list | tuple) for value in listed)


def _written_out(scope: Scope, count: Any) -> list[dict[str, Meaning]]:
    known = scope.constant(count)
    if known is None:
        raise Unsupported("turns of a number that is not constant")
    return [{"index": Constant(index)} for index in range(known.value)]


def _columns_written_out(writer: CallWriter, columns: Mapping[str, Any], scope: Scope) -> list[dict[str, Meaning]]:
    """The values of each turn: constants, or variables that are computed before the first turn."""
    meanings: dict[str, list[Meaning]] = {}
    for column, values in columns.items():
        known = scope.constant(values)
        listed = known.value if known is not None else values
        if not isinstance(listed, list | tuple):
            raise Unsupported("turns of a number that is not constant")
        meanings[column] = [_meaning(writer, column, value, scope) for value in listed]
    rows = zip(*meanings.values(), strict=True)
    return [{"index": Constant(index), **dict(zip(columns, row, strict=True))} for index, row in enumerate(rows)]


def _meaning(writer: CallWriter, wanted: str, raw: Any, scope: Scope) -> Meaning:
    known = scope.constant(raw)
    if known is not None:
        return known
    variable = Variable(writer.tensors.identifiers.give(wanted), isinstance(raw, list | tuple))
    writer.write(assign([variable.identifier], scope.value(raw)))
    return variable


def _uses_index(step: Step) -> bool:
    """Whether anything written in the step, loops inside of it included, counts its turns."""
    value = step.value
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key not in ("repeat", "times", "each")}
    return "index" in {*names_in(value, textual=True), *names_in(value)}
