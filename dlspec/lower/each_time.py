"""Parameters that have a value of their own at each use: drawn by a search, or written as a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from dlspec.environment import Place, Varying
from dlspec.errors import Problem
from dlspec.expressions import names_in
from dlspec.lower.program import CallStep, ParallelStep, Program, RepeatStep, Step
from dlspec.registry import MISSING

KEY = "each_time"


class Drawn(Varying):
    """A search space with ``each_time: true``; outside of a search every use has the default.

    Attributes:
        name: Of the parameter.
        default: What a use has to which no search gave another value.
        values: What a search gave, by place.
        seen: The value of each use so far, in the order of the uses.
    """

    def __init__(self, name: str, default: Any, values: Mapping[Place, Any] | None = None) -> None:
        self.name, self.default = name, default
        self.values: Mapping[Place, Any] = values or {}
        self.seen: dict[Place, Any] = {}

    def at(self, place: Place) -> Any:
        """The value of the use at `place`."""
        _inside(self.name, place)
        return self.seen.setdefault(place, self.values.get(place, self.default))


class Listed(Varying):
    """``{each_time: [64, 32]}``: the values of the first use, of the second, and so on."""

    def __init__(self, name: str, values: list[Any]) -> None:
        self.name, self.values = name, values
        self._numbers: dict[Place, int] = {}

    @property
    def uses(self) -> int:
        """How many there were so far."""
        return len(self._numbers)

    def at(self, place: Place) -> Any:
        """The value of the use at `place`."""
        _inside(self.name, place)
        number = self._numbers.setdefault(place, self.uses)
        if number >= len(self.values):
            text = f"`{self.name}` has {len(self.values)} values, and this is use {number + 1} of it"
            raise Problem("E314", text, "write a value for each use, or one value for all")
        return self.values[number]


def _inside(name: str, place: Place) -> None:
    if not place:
        text = f"`{name}` has a value of its own at each use in a layer, and this is none"
        raise Problem("E314", text, f"leave `{KEY}` out, or use another parameter here")


def is_listed(raw: Any) -> bool:
    """Whether a parameter's value lists those of its uses."""
    return isinstance(raw, dict) and list(raw) == [KEY]


def parse_listed(name: str, raw: Mapping[str, Any]) -> Listed:
    """Reads such a list.

    Raises:
        Problem: E310, it is none.
    """
    if not isinstance(raw[KEY], list):
        help = "in a search space it stands behind the range: `{int: [8, 64], each_time: true}`"
        raise Problem("E310", f"`{KEY}` needs a list: the value of each use", help, KEY)
    return Listed(name, raw[KEY])


def may_differ(program: Program, name: str) -> bool:
    """Whether a parameter can have more than one use, whatever the counts of the repeats are."""
    bodies = [program.main.body, *(model.body for model in program.models.values())]
    found = (one for body in bodies for step in body for one in _uses(step, program, name, ()))
    return len(list(islice(found, 2))) > 1


def _uses(step: Step, program: Program, name: str, calls: tuple[str, ...]) -> Iterator[None]:
    """One item for each use that a step may have; a repeat counts as two turns."""
    counts, values = _written(step, program)
    if _named(name, counts):
        yield None
    for _ in range(2 if isinstance(step, RepeatStep) or step.repeat is not None else 1):
        if _named(name, values):
            yield None
        if step.key not in calls:  # a block that calls itself is an error of its own
            for one in _inner(step, program, name):
                yield from _uses(one, program, name, (*calls, step.key) if isinstance(step, CallStep) else calls)


def _named(name: str, values: list[Any]) -> bool:
    return any(name in names_in(value, textual=True) for value in values)


def _written(step: Step, program: Program) -> tuple[list[Any], list[Any]]:
    """What is evaluated once, and what in every turn."""
    if isinstance(step, RepeatStep):
        return [step.times, step.each], [step.condition]
    if isinstance(step, ParallelStep):
        return [step.repeat], [step.source, list(step.names), step.condition, step.merge]
    block = program.blocks.get(step.key)
    defaults = [value for value in block.params.values() if value is not MISSING] if block is not None else []
    return [step.repeat], [step.value, *defaults]


def _inner(step: Step, program: Program, name: str) -> Iterator[Step]:
    """The steps in a step that see the parameter."""
    if isinstance(step, RepeatStep):
        yield from step.body if name not in (step.each or {}) else ()
    elif isinstance(step, ParallelStep):
        yield from (one for _, branch in step.branches for one in branch)
    elif isinstance(step, CallStep) and step.key in program.blocks:
        block = program.blocks[step.key]
        yield from block.body if name not in block.params else ()
