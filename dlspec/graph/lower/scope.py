"""Names of tensors and of nodes while a program is expanded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dlspec.core.errors import Note, Span
from dlspec.core.ir import Edge
from dlspec.graph.lower.program import ParallelStep, Step, walk
from dlspec.semantics.environment import Lost
from dlspec.syntax.expressions import pattern

Value = Edge | Lost


class Binding(NamedTuple):
    """The tensors behind a name.

    Attributes:
        values: One tensor; or one for each turn of a repeated group.
        span: Where the name was given.
        absent: Why it stands for nothing: its line was left out by an ``if`` or a count of 0.
    """

    values: tuple[Value, ...]
    span: Span | None = None
    absent: Note | None = None

    @property
    def lost(self) -> bool:
        """Whether an error keeps it from being known."""
        return any(isinstance(value, Lost) for value in self.values)


@dataclass(slots=True)
class Scope:
    """Names given so far in one body; `parent` is the body around a repeated group.

    Attributes:
        earlier: Names with an expression that earlier turns of the group gave: a turn may take or repeat them.
        texts: These names as they are written.
    """

    parent: Scope | None = None
    bindings: dict[str, Binding] = field(default_factory=dict)
    coming: frozenset[str] = frozenset()
    earlier: Mapping[str, Binding] = field(default_factory=dict)
    texts: tuple[str, ...] = ()

    def find(self, name: str) -> Binding | None:
        """The binding of `name`, innermost first; those of earlier turns aside."""
        if name in self.bindings:
            return self.bindings[name]
        return self.parent.find(name) if self.parent else None

    def find_to_take(self, name: str) -> Binding | None:
        """The binding of `name`, innermost first, those of earlier turns included."""
        if name in self.bindings:
            return self.bindings[name]
        if name in self.earlier:
            return self.earlier[name]
        return self.parent.find_to_take(name) if self.parent else None

    def names(self) -> list[str]:
        """All names that stand for a tensor here."""
        seen = {**self.earlier, **self.bindings}
        own = [name for name, binding in seen.items() if binding.absent is None]
        return own + (self.parent.names() if self.parent else [])

    def made_in_turns(self, name: str) -> bool:
        """Whether a turn of a group around may make `name`, from an expression."""
        own = any(pattern(text).fullmatch(name) for text in self.texts)
        return own or (self.parent is not None and self.parent.made_in_turns(name))

    def comes_later(self, name: str) -> bool:
        """Whether `name` is given further down."""
        return name in self.coming or (self.parent is not None and self.parent.comes_later(name))


class TurnScopes:
    """The scopes of the turns of one group.

    Args:
        around: The scope that the group stands in.
        group: The repeated step.
    """

    def __init__(self, around: Scope, group: Step) -> None:
        self._around = around
        self._scopes: list[Scope] = []
        self._earlier: dict[str, Binding] = {}
        steps = list(walk((group,)))[1:]
        branches = {name for step in (group, *steps) if isinstance(step, ParallelStep) for name, _ in step.branches}
        names = {name for step in steps for name in step.names} | branches
        self._texts = tuple(sorted(name for name in names if "$" in name))
        self._plain = names.difference(self._texts)

    def turn(self) -> Scope:
        """The scope of the next turn."""
        if self._texts and self._scopes:
            for name, binding in self._scopes[-1].bindings.items():
                if name not in self._plain:
                    self._earlier[name] = binding
        self._scopes.append(Scope(self._around, {}, self._around.coming, self._earlier, self._texts))
        return self._scopes[-1]

    def fill(self, turns: int) -> None:
        """Takes `turns` further ones to be like the last."""
        self._scopes.extend(self._scopes[-1:] * turns)

    def merged(self) -> dict[str, Binding]:
        """The names of all turns, each as the list of what it stood for."""
        last: dict[str, Binding] = {}
        values: dict[str, list[Value]] = {}
        for scope in self._scopes:
            for name, binding in scope.bindings.items():
                if binding.absent is not None:
                    last.setdefault(name, binding)
                    continue
                last[name] = binding
                values.setdefault(name, []).extend(binding.values)
        return {name: Binding(tuple(values[name]), last[name].span) if name in values else last[name] for name in last}


class NodeNames:
    """Hands out unique node names in one scope: ``conv2d``, ``conv2d_1`` … behind the scope's path."""

    def __init__(self, path: str = "", taken: Iterable[str] = ()) -> None:
        self.path = path
        self._used = set(taken)
        self._given = set(taken)
        self._next: dict[str, int] = {}

    def reserve(self, names: Iterable[str]) -> None:
        """Keeps names that the spec writes from being given to anything else."""
        self._used.update(names)

    def automatic(self, base: str) -> str:
        """A fresh segment for an unnamed step."""
        count = self._next.get(base, 0)
        while (segment := f"{base}_{count}" if count else base) in self._used:
            count += 1
        self._next[base] = count + 1
        self._used.add(segment)
        self._given.add(segment)
        return segment

    def written(self, name: str) -> str:
        """The segment for a written name; in later turns of a repeat it is counted on."""
        if name not in self._next and name not in self._given:
            self._next[name] = 1
            self._used.add(name)
            self._given.add(name)
            return name
        return self.automatic(name)

    def full(self, segment: str) -> str:
        """The segment behind the scope's path."""
        return f"{self.path}.{segment}" if self.path else segment
