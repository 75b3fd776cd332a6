"""Values of the top-level parameters: they may use each other, and search spaces stand for their defaults."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import Diagnostic, Diagnostics, Problem
from dlspec.core.tree import Invalid, Map, is_empty, span_of, span_of_key
from dlspec.graph.lower.each_time import Drawn, Listed, is_listed, parse_listed
from dlspec.graph.lower.space import Space, is_space, parse_space
from dlspec.semantics.environment import LOST, Environment, Varying
from dlspec.semantics.evaluate import evaluate_plain
from dlspec.syntax.expressions import UnknownValue


class TopLevel:
    """Evaluates ``params`` once, each at its first use.

    Attributes:
        values: Value of each parameter; :data:`~dlspec.semantics.environment.LOST` where an error hides it.
        spaces: The search spaces among them.
    """

    def __init__(self, params: Map, undefined: frozenset[str], diagnostics: Diagnostics) -> None:
        self.params = params
        self.diagnostics = diagnostics
        self.values: dict[str, Any] = dict.fromkeys(undefined, LOST)
        self.spaces: dict[str, Space] = {}
        self._open: list[str] = []
        for name in params:
            self._value(name)

    @property
    def varying(self) -> dict[str, Drawn | Listed]:
        """The parameters that have a value of their own at each use."""
        return {name: value for name, value in self.values.items() if isinstance(value, Drawn | Listed)}

    @property
    def environment(self) -> Environment:
        """The outermost environment."""
        return Environment(self.values)

    def _value(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        if name in self._open:
            cycle = " → ".join([*self._open[self._open.index(name) :], name])
            raise Problem("E309", f"parameters depend on each other in a cycle: {cycle}", "give one of them a number")
        self._open.append(name)
        span = span_of(self.params, name)
        try:
            self.values[name] = self._evaluate(name)
        except UnknownValue:
            self.values[name] = LOST
        except Problem as problem:
            self.values[name] = LOST
            raw = self.params[name]
            if problem.option and isinstance(raw, Map):
                span = span_of_key(raw, problem.option)
            self.diagnostics.add(problem.at(span))
        finally:
            self._open.pop()
        return self.values[name]

    def _evaluate(self, name: str) -> Any:
        raw = self.params[name]
        if isinstance(raw, Invalid):
            return LOST
        if is_empty(self.params, name):
            problem = Diagnostic(
                "E307",
                f"parameter `{name}` has no value",
                span_of_key(self.params, name),
                "write `null` if None is meant",
            )
            self.diagnostics.add(problem)
            return LOST
        value = evaluate_plain(raw, _Lazy(self), numeric=True)
        if is_space(value):
            space = parse_space(value)
            self.spaces[name] = space
            return Drawn(name, space.default) if space.each_time else space.default
        return parse_listed(name, value) if is_listed(value) else value


class _Lazy(Environment):
    """Looks other parameters up by evaluating them."""

    def __init__(self, top: TopLevel) -> None:
        super().__init__()
        self.top = top

    def lookup(self, name: str) -> Any:
        if name in self.top.params or name in self.top.values:
            value = self.top._value(name)
            if value is LOST:
                raise UnknownValue(name)
            return value.at(self.position) if isinstance(value, Varying) else value
        return super().lookup(name)
