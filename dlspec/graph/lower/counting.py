"""A lower bound of the layers of an expanded program, without expanding it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.components.registry import MISSING
from dlspec.core.errors import Problem
from dlspec.core.tree import Map
from dlspec.graph.lower.program import Block, CallStep, LayerStep, ParallelStep, Program, RepeatStep, Step
from dlspec.semantics.environment import LOST, Environment
from dlspec.semantics.evaluate import evaluate_plain
from dlspec.syntax.expressions import UnknownValue

MAX_LAYERS = 200_000
# Steps that are looked at; what is counted until then is there, whatever else there is.
_EFFORT = 20_000

Values = Mapping[str, Any]


def least_layers(program: Program, steps: tuple[Step, ...], values: Values) -> int:
    """Layers that `steps` make whatever the data are; those under a condition that is not known count as none.

    Args:
        program: Whose blocks the steps call.
        steps: The body of a model.
        values: Those of the top-level parameters.
    """
    return _Counter(program, values).body(steps, {})


def too_many_layers() -> Problem:
    """A model is too large to be written out."""
    text = f"the model has more than {MAX_LAYERS:,} layers once written out"
    return Problem("E313", text, "lower the counts of `repeat`")


class _Counter:
    def __init__(self, program: Program, values: Values) -> None:
        self.program, self.values = program, values
        self.effort = 0
        self.known: dict[tuple[str, str], int] = {}

    def body(self, steps: tuple[Step, ...], values: Values) -> int:
        return sum(self.step(step, values) for step in steps)

    def step(self, step: Step, values: Values) -> int:
        self.effort += 1
        if self.effort > _EFFORT or (step.condition is not None and self.value(step.condition, values) is not True):
            return 0
        if isinstance(step, RepeatStep):
            hidden = dict.fromkeys(step.each or (), LOST)
            return self.turns(step, values) * self.body(step.body, {**values, **hidden})
        return self.turns(step, values) * self.once(step, values)

    def once(self, step: Step, values: Values) -> int:
        if isinstance(step, ParallelStep):
            return 1 + sum(self.body(branch, values) for _, branch in step.branches)
        if isinstance(step, CallStep) and step.key in self.program.blocks:
            return self.call(step, self.program.blocks[step.key], values)
        return int(isinstance(step, LayerStep | CallStep))

    def call(self, step: Step, block: Block, values: Values) -> int:
        given = step.options
        if step.value is not None and not isinstance(step.value, Map):
            given = {next(iter(block.params), ""): step.value}
        own = {
            name: self.value(given[name], values) if name in given else LOST if default is MISSING else default
            for name, default in block.params.items()
        }
        key = (block.name, repr(own))
        if key not in self.known:
            self.known[key] = 0  # a block that calls itself is an error of its own
            self.known[key] = self.body(block.body, {name: self.value(value, own) for name, value in own.items()})
        return self.known[key]

    def turns(self, step: Step, values: Values) -> int:
        if isinstance(step, RepeatStep) and step.each is not None:
            column = self.value(next(iter(step.each.values()), []), values)
            return len(column) if isinstance(column, list) else 0
        count = step.times if isinstance(step, RepeatStep) else step.repeat
        number = 1 if count is None else self.value(count, values)
        return number if type(number) is int and number > 0 else 0

    def value(self, raw: Any, values: Values) -> Any:
        """The value of an expression, LOST where it depends on what is not known here."""
        if not isinstance(raw, str | list | dict):
            return raw
        try:
            return evaluate_plain(raw, Environment(values, Environment(self.values)), numeric=True)
        except (Problem, UnknownValue):
            return LOST
