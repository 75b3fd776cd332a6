"""Parameters that have a value of their own at each use: drawn by a search, or written as a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from dlspec.components.registry import MISSING
from dlspec.core.errors import Problem
from dlspec.graph.lower.program import CallStep, ParallelStep, Program, RepeatStep, Step
from dlspec.semantics.environment import Position, Varying
from dlspec.syntax.expressions import names_in

KEY = "each_time"


class Drawn(Varying):
    """A search space with ``each_time: true``; outside of a search every use has the default.

    Attributes:
        name: Of the parameter.
        default: What a use has to which no search gave another value.
        values: What a search gave, by place.
        seen: The value of each use so far, in the order of the uses.
    """

    def __init__(self, name: str, default: Any, values: Mapping[Position, Any] | None = None) -> None:
        self.name, self.default = name, default
        self.values: Mapping[Position, Any] = values or {}
        self.seen: dict[Position, Any] = {}

    def at(self, position: Position) -> Any:
        """The value of the use at `position`."""
        _inside(self.name, position)
        return self.seen.setdefault(position, self.values.get(position, self.default))


class Listed(Varying):
    """``{each_time: [64, 32]}``: the values of the first use, of the second, and so on."""

    def __init__(self, name: str, values: list[Any]) -> None:
        self.name, self.values = name, values
        self._numbers: dict[Position, int] = {}

    @property
    def uses(self) -> int:
        """Number of uses so far."""
        return len(self._numbers)

    def at(self, position: Position) -> Any:
        """The value of the use at `position`."""
        _inside(self.name, position)
        number = self._numbers.setdefault(position, self.uses)
        if number >= len(self.values):
            text = f"`{self.name}` has {len(self.values)} values, and this is use {number + 1} of it"
            raise Problem("E314", text, "write a value for each use, or one value for all")
        return self.values[number]


def _inside(name: str, position: Position) -> None:
    if not position:
        text = f"`{name}` has a value of its own at each use in a layer, and this is none"
        raise Problem("E314", text, f"leave `{KEY}` out, or use another parameter here")


def is_listed(raw: Any) -> bool:
    """Whether a parameter's value lists those of its uses."""
    return isinstance(raw, dict) and list(raw) == [KEY]


def parse_listed(name: str, raw: Mapping[str, Any]) -> Listed:
    """Reads a parameter with a value for each use.

    Raises:
        Problem: E310, it is none.
    """
    if not isinstance(raw[KEY], list):
        help = "in a search space it stands behind the range: `{int: [8, 64], each_time: true}`"
        raise Problem("E310", f"`{KEY}` needs a list: the value of each use", help, KEY)
    return Listed(name, raw[KEY])


def used_often(program: Program, names: Collection[str]) -> set[str]:
    """The parameters among `names` that can have more than one use, for any counts of the repeats."""
    bodies = [program.main.body, *(model.body for model in program.models.values())]
    counter = _Uses(program, frozenset(names))
    counts: Counter[str] = Counter()
    for body in bodies:
        counts.update(counter.of(body))
    return {name for name, count in counts.items() if count > 1}


class _Uses:
    """Counts uses in bodies, those of a block once for all of its calls; two stand for more."""

    def __init__(self, program: Program, names: frozenset[str]) -> None:
        self._program, self._names = program, names
        self._blocks: dict[str, dict[str, int]] = {}

    def of(self, body: Iterable[Step]) -> dict[str, int]:
        """Number of possible uses by name, at most 2."""
        uses: Counter[str] = Counter()
        for step in body:
            uses.update(self._step(step))
        return {name: min(count, 2) for name, count in uses.items()}

    def _step(self, step: Step) -> dict[str, int]:
        """The uses that a step may have; a repeat counts as two turns."""
        counts, values = _written(step, self._program)
        uses = Counter(self._named(values))
        uses.update(self._inner(step))
        if isinstance(step, RepeatStep) or step.repeat is not None:
            uses.update(dict(uses))
        uses.update(self._named(counts))
        return uses

    def _named(self, values: list[Any]) -> set[str]:
        return set(self._names).intersection(name for value in values for name in names_in(value, textual=True))

    def _inner(self, step: Step) -> dict[str, int]:
        """The uses in a step, of the parameters that are seen there."""
        if isinstance(step, RepeatStep):
            return _without(self.of(step.body), step.each or ())
        if isinstance(step, ParallelStep):
            return self.of(inner for _, branch in step.branches for inner in branch)
        if not isinstance(step, CallStep) or step.key not in self._program.blocks:
            return {}
        if step.key not in self._blocks:
            block = self._program.blocks[step.key]
            self._blocks[step.key] = {}  # a block that calls itself is an error of its own
            self._blocks[step.key] = _without(self.of(block.body), block.params)
        return self._blocks[step.key]


def _without(uses: dict[str, int], names: Iterable[str]) -> dict[str, int]:
    hidden = set(names)
    return {name: count for name, count in uses.items() if name not in hidden}


def _written(step: Step, program: Program) -> tuple[list[Any], list[Any]]:
    """The values that are evaluated once, and those in every turn."""
    if isinstance(step, RepeatStep):
        return [step.times, step.each], [step.condition]
    if isinstance(step, ParallelStep):
        return [step.repeat], [step.source, list(step.names), step.condition, step.merge]
    block = program.blocks.get(step.key)
    defaults = [value for value in block.params.values() if value is not MISSING] if block is not None else []
    return [step.repeat], [step.value, *defaults]
