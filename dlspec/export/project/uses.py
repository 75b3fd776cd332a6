"""Parameters that are drawn at each use, in generated code: tuples, of which each use takes its own element."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from dlspec.components.registry import MISSING
from dlspec.core.tree import Map
from dlspec.export.python.syntax import Unsupported
from dlspec.graph.lower.program import Block, CallStep, ParallelStep, Program, RepeatStep, Step, walk
from dlspec.passes.state import Trainable
from dlspec.semantics.environment import Position
from dlspec.syntax.expressions import names_in, rename

Path = tuple[int, ...]


def spread(state: Trainable, places: Mapping[str, Iterable[Position]]) -> Trainable:
    """A copy of the spec in which each parameter that is drawn at each use is the list of the values of its uses.

    Args:
        state: A checked spec.
        places: The uses of each such parameter, in the order of the list.

    Raises:
        Unsupported: A use cannot tell which of the values is its own.
    """
    program, params = state.program, copy.copy(state.params)
    params.values, params.spaces = dict(params.values), dict(params.spaces)
    for param, listed in places.items():
        several = list(listed)
        program = _Spread(program, param, several).program()
        default = [params.spaces[param].default] * len(several)
        params.values[param], params.spaces[param] = default, replace(params.spaces[param], default=default)
    changed = copy.copy(state)
    changed.program, changed.params = program, params
    return changed


class _Spread:
    """Gives every use of one parameter its own element; blocks are handed theirs by their callers."""

    def __init__(self, program: Program, name: str, places: list[Position]) -> None:
        self._whole, self._name = program, name
        self._positions = {position: number for number, position in enumerate(places)}
        self._blocks: dict[str, tuple[Block, dict[Path, str]]] = {}

    def program(self) -> Program:
        """The whole program."""
        whole = self._whole
        if any(self._in(step.value) for model in whole.models.values() for step in walk(model.body)):
            raise Unsupported(f"`each_time` of `{self._name}` in a shared model")
        main = replace(whole.main, body=self._body(whole.main.body, _Main(self._name, self._positions), (), 0))
        blocks = {name: self._block(name)[0] for name in whole.blocks}
        return replace(whole, main=main, blocks=blocks)

    def _block(self, name: str) -> tuple[Block, dict[Path, str]]:
        """A block with a parameter for each use in it, and those parameters by the places of the uses."""
        if name not in self._blocks:
            block = self._whole.blocks[name]
            hidden = self._name in block.params
            where = _Block(
                self._name, block, {*self._whole.params, *block.params} - (set() if hidden else {self._name})
            )
            if any(self._in(default) for default in block.params.values() if default is not MISSING):
                raise Unsupported(f"`each_time` of `{self._name}` in a default of the block `{name}`")
            body = self._body(block.body, where, (), 0, hidden)
            params = {**block.params, **dict.fromkeys(where.given.values(), MISSING)}
            self._blocks[name] = (replace(block, params=params, body=body), where.given)
        return self._blocks[name]

    def _body(
        self, body: tuple[Step, ...], where: _Main | _Block, path: Path, loops: int, hidden: bool = False
    ) -> tuple[Step, ...]:
        return tuple(self._step(step, where, (*path, step.number), loops, hidden) for step in body)

    def _step(self, step: Step, where: _Main | _Block, path: Path, loops: int, hidden: bool) -> Step:
        turns = loops + (isinstance(step, RepeatStep) or step.repeat is not None)
        if not hidden and (self._in(step.source) or any(self._in(text) for text in step.names)):
            raise Unsupported(f"`each_time` of `{self._name}` in a name")

        def changed(raw: Any, counted: int = turns) -> Any:
            return raw if hidden else self._changed(raw, where, path, counted)

        # What stands behind `repeat` is read once, before the first turn.
        facts = {"repeat": changed(step.repeat, loops), "condition": changed(step.condition)}
        written: dict[str, Any] = {"repeat": facts["repeat"], "if": facts["condition"]}
        if isinstance(step, RepeatStep):
            covered = hidden or self._name in {*(step.each or ()), *(step.let or ())}
            inner = self._body(step.body, where, path, turns, covered)
            facts |= {"times": changed(step.times, loops), "each": changed(step.each, loops)}
            facts |= {"let": changed(step.let), "body": inner}
            written |= {
                "times": facts["times"],
                "each": facts["each"],
                "let": facts["let"],
                "layers": [inner_step.value for inner_step in inner],
            }
        elif isinstance(step, ParallelStep):
            branches = tuple((name, self._body(branch, where, path, turns, hidden)) for name, branch in step.branches)
            facts |= {"merge": changed(step.merge), "branches": branches}
            steps = [inner_step.value for _, branch in branches for inner_step in branch]
            written |= {"merge": facts["merge"], **dict.fromkeys(("layers", "shortcut", "branches"), steps)}
        value = _written(step.value, written, changed)
        if isinstance(step, CallStep) and step.key in self._whole.blocks:
            value = self._given(step, value, where, path, turns)
        return _with(step, value=value, **facts)

    def _given(self, step: Step, value: Any, where: _Main | _Block, path: Path, loops: int) -> Any:
        """The value of a call of a block, with an element for each use inside the block."""
        block, needed = self._block(step.key)
        if not needed:
            return value
        given = Map(None)
        if isinstance(value, dict):
            given.update(value)
        elif value is not None:
            given[next(iter(block.params))] = value
        given.update({name: where.element((*path, *inner), loops) for inner, name in needed.items()})
        return given

    def _in(self, raw: Any) -> bool:
        return self._name in {*names_in(raw), *names_in(raw, textual=True)}

    def _changed(self, raw: Any, where: _Main | _Block, path: Path, loops: int) -> Any:
        """A value in which the parameter's name has become its element."""
        if not self._in(raw):
            return raw
        if isinstance(raw, Map):
            made = Map(raw.span)
            for key, value in raw.items():
                made.put(key, self._changed(value, where, path, loops), None, raw.value_spans.get(key))
            return made
        if isinstance(raw, list | tuple):
            return [self._changed(item, where, path, loops) for item in raw]
        return rename(raw, self._name, where.element(path, loops))


class _Main:
    """The model itself: its uses are known by their places."""

    def __init__(self, name: str, positions: Mapping[Position, int]) -> None:
        self._name, self._positions = name, positions

    def element(self, path: Path, loops: int) -> str:
        """The expression of the element for a use."""
        if loops > 1:
            raise Unsupported(f"`each_time` of `{self._name}` in a repeat inside of another")
        turns = {
            tuple(turn for _, turn in use if turn is not None): position
            for use, position in self._positions.items()
            if tuple(number for number, _ in use) == path
        }
        reached = {turn: position for turn, position in turns.items() if len(turn) == loops}
        if not reached:
            raise Unsupported(f"a use of `{self._name}` that no trial has")
        if not loops:
            return f"${self._name}[{reached[()]}]"
        offsets = {position - turn for (turn,), position in reached.items()}
        if len(offsets) > 1:
            raise Unsupported(f"`each_time` of `{self._name}` where some turns in between do not use it")
        offset = offsets.pop()
        return f"${self._name}[$index{f' {offset:+d}'.replace('+', '+ ').replace('-', '- ') if offset else ''}]"


class _Block:
    """A block: the caller hands on an element for each use.

    Attributes:
        given: The block's further parameters, by the place of the use.
    """

    def __init__(self, name: str, block: Block, taken: set[str]) -> None:
        self._name, self._block, self._taken = name, block, taken
        self.given: dict[Path, str] = {}

    def element(self, path: Path, loops: int) -> str:
        """The expression of the element for a use."""
        if loops:
            raise Unsupported(f"`each_time` of `{self._name}` in a repeat inside of the block `{self._block.name}`")
        if path not in self.given:
            name = next(name for name in _numbered(self._name) if name not in self._taken)
            self._taken.add(name)
            self.given[path] = name
        return f"${self.given[path]}"


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}_{number}"
        number += 1


def _with(step: Step, **changed: Any) -> Step:
    """A copy; where nothing changed, options and list stay the same object."""
    given = {field.name: getattr(step, field.name) for field in fields(step)} | changed
    return type(step)(**given)


def _written(value: Any, known: Mapping[str, Any], changed: Callable[[Any], Any]) -> Any:
    """The value of a step with its changed parts; the same object where nothing has changed."""
    if not isinstance(value, Map):
        return changed(value)
    made = Map(value.span)
    for key, item in value.items():
        made.put(key, known[key] if key in known else changed(item), None, value.value_spans.get(key))
    return value if made == value else made
