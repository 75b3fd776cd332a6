"""Which parameters a spec uses, given values of all: the others make no difference between two trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from dlspec import registry
from dlspec.environment import Environment
from dlspec.errors import Diagnostics, Problem
from dlspec.evaluate import Evaluator
from dlspec.expressions import names_in
from dlspec.lower.expand import Expander
from dlspec.lower.params import TopLevel
from dlspec.lower.space import Space
from dlspec.passes.state import Compilation
from dlspec.registry import Component
from dlspec.schema.context import Context
from dlspec.tree import Map

Values = Mapping[str, Any]
# Values of a parameter that are tried as conditions of others, and looks at the spec in all.
_MOST_VALUES = 32
_MOST_LOOKS = 400


class _Watched(dict[str, Any]):
    """Notes which names are looked up."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)


class Usage:
    """Looks at one checked spec with other values of its searched parameters."""

    def __init__(self, state: Compilation) -> None:
        assert state.program is not None and state.params is not None and state.data is not None
        self._program, self._data = state.program, state.data
        self._given = state.given_inputs or {}
        self._params = Map(None)
        self._params.update(state.params.params)
        self.spaces: dict[str, Space] = dict(state.params.spaces)
        self._looks = 0

    def used(self, values: Values) -> frozenset[str]:
        """The searched parameters that have an effect; all of them where the spec is wrong with these values."""
        self._looks += 1
        params = Map(None)
        params.update({**self._params, **values})
        problems = Diagnostics()
        top = TopLevel(params, frozenset(), problems)
        watched = _Watched(top.values)
        environment = Environment(watched)
        evaluator = Evaluator(problems)
        try:
            Expander(self._program, environment, evaluator).body(self._program.main).graph(self._given)
        except Problem:
            return frozenset(self.spaces)
        if problems.errors:
            return frozenset(self.spaces)
        for owner, raw, context in self._sections():
            Evaluator(Diagnostics(), outputs=None).options(owner, raw, environment, context, None, keep_going=True)
        return frozenset(self._through(watched.seen)) & self.spaces.keys()

    def _sections(self) -> Iterator[tuple[type[Component], Any, Context]]:
        for name, kind, word in (("data", "section", "data"), ("train", "method", "")):
            raw = self._data.get(name)
            if isinstance(raw, Map):
                owner = registry.find(kind, word or str(raw.get("method", "supervised")))
                yield cast("type[Component]", owner), raw, Context((name,))

    def _through(self, seen: set[str]) -> set[str]:
        """With the parameters that others are computed from."""
        found, waiting = set(seen), list(seen)
        while waiting:
            for name in names_in(self._params.get(waiting.pop(), None)):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found

    def conditions(self) -> dict[str, dict[str, tuple[Any, ...]]]:
        """For each parameter that is used only sometimes: the parameters it depends on, and their values then.

        They are found by looking at the spec with each value of each parameter of few values, the others at their
        defaults; a dependence that shows only together with another one is found where that one's was.
        """
        found: dict[str, dict[str, tuple[Any, ...]]] = {}
        base = {name: space.default for name, space in self.spaces.items()}
        self._conditions(base, found)
        for name, parents in list(found.items()):
            # What stands inside of something conditional shows when that is on.
            if name not in self.used(base):
                inside = {**base, **{parent: values[0] for parent, values in parents.items()}}
                self._conditions(inside, found)
        return found

    def _conditions(self, base: dict[str, Any], found: dict[str, dict[str, tuple[Any, ...]]]) -> None:
        for parent, space in self.spaces.items():
            values = few_values(space)
            if not values or self._looks + len(values) > _MOST_LOOKS:
                continue
            used = {value: self.used({**base, parent: value}) for value in values}
            for name in self.spaces:
                on = tuple(value for value in values if name in used[value])
                if name != parent and 0 < len(on) < len(values) and not self._cycle(name, parent, found):
                    found.setdefault(name, {}).setdefault(parent, on)

    def _cycle(self, name: str, parent: str, found: Mapping[str, Mapping[str, Any]]) -> bool:
        waiting, seen = [parent], {parent}
        while waiting:
            for other in found.get(waiting.pop(), {}):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return name in seen


def few_values(space: Space) -> tuple[Any, ...]:
    """All values of a space that has few; () for one that has many."""
    if space.head in ("choice", "bool"):
        return tuple(space.values) if len(space.values) <= _MOST_VALUES else ()
    if space.head == "int" and not space.log:
        values = tuple(range(space.values[0], space.values[1] + 1, int(space.step or 1)))
        return values if len(values) <= _MOST_VALUES else ()
    return ()
