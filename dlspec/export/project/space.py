"""The searched parameters as Keras Tuner declares them, in ``tune.py`` of a generated project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from typing import Any

from dlspec.export.python.syntax import call, constant, sequence, text
from dlspec.graph.lower.space import Space
from dlspec.tuning.plan.plan import Plan
from dlspec.tuning.plan.spaces import listed, nearest, ordered

# Values of a range that are written one by one; of more, how they are computed.
_LISTED = 12


def declarations(plan: Plan) -> Iterator[str]:
    """Statements that declare the parameters, those of the same conditions together."""
    conditions = {param: tuple(plan.conditions.get(param, {}).items()) for param in plan.spaces}
    for scopes, group in groupby(ordered(plan.spaces, plan.conditions), key=lambda param: conditions[param]):
        heads = [
            text(
                call("hp.conditional_scope", [constant(parent), sequence([constant(value) for value in values], True)])
            )
            for parent, values in scopes
        ]
        if heads:
            yield f"with {', '.join(heads)}:"
        for param in group:
            made = text(_declared(param, plan.spaces[param], grid=plan.tune.algorithm.listing))
            yield f"    {made}" if heads else made


def _declared(param: str, space: Space, grid: bool) -> ast.expr:
    """One parameter: ``hp.Int("units", 8, 32, step=8)``."""
    low, high = space.values[0], space.values[-1]
    default = {"default": constant(space.default)}
    if space.head == "bool":
        return call("hp.Boolean", [constant(param)], default if space.default else {})
    if space.head == "choice":
        choices = sequence([constant(value) for value in space.values], as_list=True)
        return call("hp.Choice", [constant(param), choices], default if space.default != space.values[0] else {})
    bounds = [constant(param), constant(low), constant(high)]
    default = default if space.default != low else {}
    log = {"sampling": constant("log")} if space.log else {}
    if space.head == "int" and not space.log:
        # Keras Tuner's whole numbers are exact.
        step = {"step": constant(int(space.step))} if space.step not in (None, 1) else {}
        if (space.default - low) % int(space.step or 1) == 0:
            return call("hp.Int", bounds, {**step, **default})
    values = listed(space, grid)
    if values is None:
        return call("hp.Int" if space.head == "int" else "hp.Float", bounds, {**log, **default})
    # Keras Tuner's own ranges of floats miss the upper end now and then.
    chosen = nearest(values, space.default)
    return call(
        "hp.Choice",
        [constant(param), _values(values, space)],
        {} if chosen == values[0] else {"default": constant(chosen)},
    )


def _values(values: list[Any], space: Space) -> ast.expr:
    """A list of values; a long one as it is computed, where that gives the same."""
    plain = sequence([constant(value) for value in values], as_list=True)
    if len(values) <= _LISTED or space.log or space.step is None:
        return plain
    low, step = space.values[0], space.step
    for digits in range(1, 13):
        with suppress(OverflowError):
            if [round(low + number * step, digits) for number in range(len(values))] == values:
                source = f"[round({low!r} + number * {step!r}, {digits}) for number in range({len(values)})]"
                return ast.parse(source, mode="eval").body
    return plain
