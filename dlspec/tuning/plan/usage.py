"""The parameters that a spec uses, given values of all: the others make no difference between two trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from dlspec.components.methods.base import method_of
from dlspec.components.registry import Component
from dlspec.core.errors import Diagnostics, Problem
from dlspec.core.tree import Map
from dlspec.graph.lower.each_time import KEY, Drawn
from dlspec.graph.lower.expand import Expander, iterate_models
from dlspec.graph.lower.params import TopLevel
from dlspec.graph.lower.space import Space
from dlspec.passes.state import Checked
from dlspec.semantics.environment import Environment, Position
from dlspec.semantics.evaluate import Evaluator
from dlspec.semantics.schema.context import Context
from dlspec.syntax.expressions import reach
from dlspec.tuning.plan.deciding import deciding

Values = Mapping[str, Any]
Conditions = dict[str, dict[str, tuple[Any, ...]]]
# Values of a parameter that are tried as conditions of others, and looks at the spec in all.
_MOST_VALUES = 32
_MOST_LOOKS = 400


class Use(NamedTuple):
    """A parameter, or one use of it where each use is drawn by itself."""

    name: str
    position: Position = ()


class _Look(NamedTuple):
    """The uses in a spec with some values.

    Attributes:
        used: What has an effect.
        listed: The values of each parameter that is drawn at each use, in the order of its uses.
    """

    used: frozenset[Use]
    listed: Mapping[str, list[Any]]


class _Watched(dict[str, Any]):
    """Notes which names are looked up."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)


class Usage:
    """Looks at one checked spec with other values of its searched parameters.

    A parameter with ``each_time`` is searched once for every use that it may have, under a name that tells its place:
    ``units_1``, ``units_2`` by the turns of a repeat, or by the layers that use it; ``units_2_1`` where there are both,
    first the layer, then the turn.

    Attributes:
        spaces: What is searched, by that name.
        conditions: What is used only sometimes: the parameters it depends on, and their values then.
    """

    def __init__(self, state: Checked) -> None:
        self._program, self._data, self._catalogue = state.program, state.data, state.catalogue
        self._given = state.given_inputs or {}
        self._params = Map(None)
        self._params.update(state.params.params)
        self._written = dict(state.params.spaces)
        self._deciding = deciding(state.data)
        self._known = {Use(name): None for name, space in self._written.items() if not space.each_time}
        self._looks: dict[frozenset[tuple[Use, Any]], _Look] = {}
        conditional = self._explored()
        self._names = _names(self._known, list(self._written))
        self.spaces: dict[str, Space] = {name: self._space(use) for use, name in self._names.items()}
        self.conditions: Conditions = {
            self._names[use]: {self._names[parent]: values for parent, values in parents.items()}
            for use, parents in conditional.items()
        }

    def used(self, values: Values) -> frozenset[str]:
        """The spaces that have an effect with these values; all where the spec is wrong with them."""
        return frozenset(self._names[use] for use in self._look(self._uses(values)).used if use in self._names)

    @property
    def drawn(self) -> dict[str, dict[Position, str]]:
        """For each parameter that is drawn at each use: the names of its uses, by position.

        The turns of one layer stand together.
        """
        names: dict[str, dict[Position, str]] = {name: {} for name, space in self._written.items() if space.each_time}
        for use in sorted((use for use in self._names if use.position), key=lambda use: _layer_and_turns(use.position)):
            names[use.name][use.position] = self._names[use]
        return names

    def written(self, values: Values) -> dict[str, Any]:
        """The values as a spec has them under `params`."""
        look = self._look(self._uses(values))
        params: dict[str, Any] = {}
        for name, space in self._written.items():
            if space.each_time:
                listed = look.listed[name]
                params[name] = {KEY: listed} if listed else space.default
            else:
                params[name] = values[name]
        return params

    def _uses(self, values: Values) -> dict[Use, Any]:
        return {use: values[name] for use, name in self._names.items() if name in values}

    def _space(self, use: Use) -> Space:
        return self._written[use.name]

    # --- one look -------------------------------------------------------------------------------------------------

    def _look(self, values: Mapping[Use, Any]) -> _Look:
        key = frozenset(values.items())
        if key not in self._looks:
            if len(self._looks) > 2 * _MOST_LOOKS:
                self._looks.clear()
            self._looks[key] = self._looked(values)
        return self._looks[key]

    def _looked(self, values: Mapping[Use, Any]) -> _Look:
        params = Map(None)
        params.update({**self._params, **{use.name: value for use, value in values.items() if not use.position}})
        problems = Diagnostics()
        top = TopLevel(params, frozenset(), problems)
        drawn = {name: self._drawn(name, values) for name, space in self._written.items() if space.each_time}
        watched = _Watched({**top.values, **drawn})
        environment = Environment(watched)
        expander = Expander(self._program, environment, Evaluator(problems, catalogue=self._catalogue))
        wrong = False
        try:
            expander.body(self._program.main).graph(self._given)
            if drawn:  # a model that is called nowhere is expanded too, and has uses
                list(iterate_models(expander))
        except Problem:
            wrong = True
        if not wrong and not problems.errors:
            evaluator = Evaluator(Diagnostics(), outputs=None, catalogue=self._catalogue)
            for owner, raw, context in self._sections():
                evaluator.options(owner, raw, environment, context, None, keep_going=True)
            if isinstance(train := self._data.get("train"), Map) and isinstance(solver := train.get("method"), Map):
                evaluator.component("solver", solver, environment, Context(("train", "method")), None)
        uses = [Use(name, position) for name, value in drawn.items() for position in value.seen]
        for use in uses:
            self._known.setdefault(use)
        listed = {name: list(value.seen.values()) for name, value in drawn.items()}
        if wrong or problems.errors:
            return _Look(frozenset(self._known), listed)
        once = [Use(name) for name in reach(watched.seen, self._params)]
        return _Look(frozenset(use for use in (*once, *uses) if use in self._known), listed)

    def _drawn(self, name: str, values: Mapping[Use, Any]) -> Drawn:
        own = {use.position: value for use, value in values.items() if use.name == name}
        return Drawn(name, self._written[name].default, own)

    def _sections(self) -> Iterator[tuple[type[Component], Any, Context]]:
        for name in ("data", "train"):
            raw = self._data.get(name)
            if isinstance(raw, Map):
                owner = self._catalogue.find("section", name) if name == "data" else method_of(raw, self._catalogue)
                yield cast("type[Component]", owner), raw, Context((name,))

    # --- what depends on what -------------------------------------------------------------------------------------

    def _explored(self) -> dict[Use, dict[Use, tuple[Any, ...]]]:
        """The uses that appear only with some values, with the parents' values on which they depend.

        That is found by looking at the spec with each value of each parameter of few values, the others at their
        defaults; a dependence that shows only together with another one is found where that one's was.
        """
        conditions: dict[Use, dict[Use, tuple[Any, ...]]] = {}
        base = {use: self._space(use).default for use in self._known}
        waiting, tried = [base], []
        while waiting:
            values = waiting.pop(0)
            if values in tried or len(self._looks) >= _MOST_LOOKS:
                continue
            tried.append(values)
            before = set(conditions)
            self._vary(values, conditions)
            for use in conditions:
                if use not in before and use not in self._look(values).used:
                    # What stands inside of something conditional shows when that is on.
                    waiting.append({**values, **{parent: on[0] for parent, on in conditions[use].items()}})
        return conditions

    def _vary(self, base: dict[Use, Any], conditions: dict[Use, dict[Use, tuple[Any, ...]]]) -> None:
        self._look(base)
        for parent in [use for use in self._known if use.name in self._deciding]:
            space = self._space(parent)
            values = few_values(space)
            if not values:
                # Its values are too many for conditions, but the uses at both of its ends are known then.
                ends = space.values[:1] + space.values[-1:]
                for end in ends if space.head in ("int", "float") else ():
                    self._look({**base, parent: end})
                continue
            if len(self._looks) + len(values) > _MOST_LOOKS:
                continue
            used = {value: self._look({**base, parent: value}).used for value in values}
            for use in self._known:
                on = tuple(value for value in values if use in used[value])
                if use != parent and 0 < len(on) < len(values) and not _cycle(use, parent, conditions):
                    conditions.setdefault(use, {}).setdefault(parent, on)


def _cycle(use: Use, parent: Use, conditions: Mapping[Use, Mapping[Use, Any]]) -> bool:
    waiting, seen = [parent], {parent}
    while waiting:
        for other in conditions.get(waiting.pop(), {}):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return use in seen


def _names(uses: Mapping[Use, None], order: list[str]) -> dict[Use, str]:
    """A name for each use that follows from its place, in the order of the spec."""
    names: dict[Use, str] = {}
    places_of: dict[str, list[Position]] = {name: [] for name in order}
    for use in uses:
        places_of.setdefault(use.name, []).append(use.position)
    for name in order:
        places = sorted(places_of[name], key=_written_order)
        numbered = dict.fromkeys(tuple(number for number, _ in position) for position in places)
        layers = {layer: number for number, layer in enumerate(numbered, 1)}
        for position in places:
            turns = [turn + 1 for _, turn in position if turn is not None]
            layer = layers[tuple(number for number, _ in position)]
            numbers = [layer, *turns] if len(layers) > 1 or not turns else turns
            names[Use(name, position)] = "_".join([name, *map(str, numbers)]) if position else name
    return names


def _written_order(position: Position) -> list[tuple[int, int]]:
    return [(number, -1 if turn is None else turn) for number, turn in position]


def _layer_and_turns(position: Position) -> list[int]:
    return [*(number for number, _ in position), *(-1 if turn is None else turn for _, turn in position)]


def few_values(space: Space) -> tuple[Any, ...]:
    """All values of a space that has few; () for one that has many."""
    if space.head in ("choice", "bool"):
        return tuple(space.values) if len(space.values) <= _MOST_VALUES else ()
    if space.head == "int" and not space.log:
        values = tuple(range(space.values[0], space.values[1] + 1, int(space.step or 1)))
        return values if len(values) <= _MOST_VALUES else ()
    return ()
