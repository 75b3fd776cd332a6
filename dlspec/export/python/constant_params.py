"""The choice between parameters that stay variables of the generated code and those written as constants.

A parameter is *soft* where Python computes with it as the spec does: sizes, rates, conditions, counts, names of
activations. It is *hard* where it decides what is written: which layer a wrapper holds, how branches are merged. A
block with a hard parameter becomes a function for each of its values, a loop over hard values is written out turn by
turn.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlspec.components import registry
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import MISSING, Component, Field
from dlspec.core.tree import Map
from dlspec.graph.lower.program import COMMON, CallStep, LayerStep, ParallelStep, Program, RepeatStep, Step, walk
from dlspec.syntax.expressions import is_expression, names_in, parse, unescape

# Kinds whose plain members Keras takes by their names.
NAMED_KINDS = ("activation", "initializer", "regularizer", "constraint")
GRAPH_NAMES = ("channels", "shape")

Key = tuple[str, str]


@dataclass(frozen=True)
class Chain:
    """The scopes around a place, innermost first: their ids with the names they define."""

    scopes: tuple[tuple[str, frozenset[str]], ...]

    def inner(self, scope: str, names: Iterable[str]) -> Chain:
        """A chain with a further, innermost scope."""
        return Chain(((scope, frozenset(names)), *self.scopes))

    def find(self, name: str) -> Key | None:
        """Key of the definition of `name`; None where nothing defines it."""
        return next(((scope, name) for scope, names in self.scopes if name in names), None)


def loop_id(step: Step) -> str:
    """Name of the scope of a repeated step."""
    return f"loop {id(step)}"


def block_id(name: str) -> str:
    """The scope of a block's parameters."""
    return f"block {name}"


def lone(raw: Any) -> str | None:
    """The name in a value that is nothing but ``$name``."""
    if is_expression(raw) and unescape(raw) is None:
        expression = parse(raw)
        if len(expression.names) == 1 and raw.strip() in (f"${expression.names[0]}", f"$({expression.names[0]})"):
            return expression.names[0]
    return None


def element(raw: Any) -> str | None:
    """The name in a value that is nothing but an element, ``$name[0]``."""
    if not is_expression(raw) or unescape(raw) is not None:
        return None
    match parse(raw).tree:
        case ast.Subscript(value=ast.Name(id=identifier), slice=index) if not isinstance(index, ast.Slice):
            return identifier[1:] if identifier.startswith("_") else None
    return None


def transforms(owner: type[Component]) -> bool:
    """Whether a component turns its options into other arguments than it was given."""
    if issubclass(owner, Op):
        return owner.compute is not Op.compute
    return owner.keras_arguments not in (Component.keras_arguments, Layer.keras_arguments)


class ConstantParams:
    """The analysis of one program.

    Attributes:
        hard: The parameters that are written in as constants.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.hard: set[Key] = set()
        self._hard_scopes: set[str] = set()
        self._worked_out: set[Key] = set()  # in each turn anew, also where turns are written out
        self._kinds: dict[Key, set[str]] = defaultdict(set)
        self._flows: list[tuple[Any, Chain, Key]] = []
        top = Chain((("top", frozenset(program.params)),))
        for name, raw in program.params.items():
            self._flows.append((raw, top, ("top", name)))
            if isinstance(raw, Map) and not registry_space(raw):
                self._add("top", name)
        self._body(program.main.body, top, program.main.outputs)
        for model in program.models.values():
            self._body(model.body, top, model.outputs)
        for block in program.blocks.values():
            chain = top.inner(block_id(block.name), block.params)
            for name, default in block.params.items():
                if default is not MISSING:
                    self._flows.append((default, chain, (block_id(block.name), name)))
            self._body(block.body, chain, block.outputs)
        self._settle()

    # --- what each place needs ------------------------------------------------------------------------------------

    def _need(self, raw: Any, chain: Chain, need: str) -> None:
        """`need` is ``soft``, ``hard``, or a kind whose names the value may be."""
        if need in NAMED_KINDS and (key := self._source(raw, chain)):
            self._kinds[key].add(need)
        elif need != "soft":
            self._harden(raw, chain)

    def _add(self, scope: str, name: str) -> None:
        self.hard.add((scope, name))
        self._hard_scopes.add(scope)

    def _source(self, raw: Any, chain: Chain) -> Key | None:
        """The parameter that a value is; or whose choices it is one of, where each use draws its own."""
        if (name := lone(raw)) is not None:
            return chain.find(name)
        key = chain.find(element(raw) or "")
        searched = key is not None and key[0] == "top" and registry_space(self.program.params[key[1]])
        return key if searched else None

    def _harden(self, raw: Any, chain: Chain, textual: bool = False) -> None:
        for name in names_in(raw, textual):
            key = chain.find(name)
            if key is not None:
                self._add(*key)

    def _body(self, body: tuple[Step, ...], chain: Chain, outputs: tuple[str, ...]) -> None:
        for step in body:
            self._step(step, chain, outputs)

    def _step(self, step: Step, chain: Chain, outputs: tuple[str, ...]) -> None:
        if step.condition is not None and any(name in outputs or "$" in name for name in _bound(step)):
            self._harden(step.condition, chain)
        if isinstance(step, RepeatStep):
            chain = self._loop(step, chain)
            self._body(step.body, chain, outputs)
            return
        if step.repeat is not None:
            self._flows.append((step.repeat, chain, (loop_id(step), "count")))
            chain = chain.inner(loop_id(step), ("index",))
        if isinstance(step, LayerStep):
            for raw, need in option_needs(step.layer, step.value if step.value is not step.source else None):
                self._need(raw, chain, need)
        elif isinstance(step, ParallelStep):
            for raw, need in _component_needs("layer", step.merge):
                self._need(raw, chain, need)
            for _, branch in step.branches:
                self._body(branch, chain, outputs)
        elif isinstance(step, CallStep) and step.key in self.program.blocks:
            block = self.program.blocks[step.key]
            for name, raw in given_params(step, list(block.params)).items():
                self._flows.append((raw, chain, (block_id(block.name), name)))

    def _loop(self, step: RepeatStep, chain: Chain) -> Chain:
        scope = loop_id(step)
        columns: Mapping[str, Any] = step.each or {}
        for name, values in columns.items():
            for value in values if isinstance(values, list) else [values]:
                self._flows.append((value, chain, (scope, name)))
        self._flows.append((step.times, chain, (scope, "count")))
        let: Mapping[str, Any] = step.let or {}
        inner = chain.inner(scope, (*columns, *let, "index"))
        self._flows += [(raw, inner, (scope, name)) for name, raw in let.items()]
        self._worked_out |= {(scope, name) for name in let}
        return inner

    # --- the fixed point ------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        before = -1
        while before != len(self.hard) + sum(map(len, self._kinds.values())):
            before = len(self.hard) + sum(map(len, self._kinds.values()))
            for raw, chain, key in self._flows:
                for kind in self._kinds[key]:
                    self._flow_kind(raw, chain, key, kind)
                if key in self.hard or (self._unrolled(key[0]) and key not in self._worked_out):
                    self._harden(raw, chain)

    def _flow_kind(self, raw: Any, chain: Chain, key: Key, kind: str) -> None:
        source = self._source(raw, chain)
        if source is not None:
            self._kinds[source].add(kind)
            if source in self.hard:
                self._add(*key)
        elif raw is not None and not _named(raw, kind):
            self._add(*key)

    def _unrolled(self, scope: str) -> bool:
        """Whether a loop has a hard value."""
        return scope.startswith("loop") and scope in self._hard_scopes

    def unrolled(self, step: Step) -> bool:
        """Whether a repeated step is written out turn by turn."""
        return self._unrolled(loop_id(step))

    def hard_params(self, block: str) -> tuple[str, ...]:
        """The parameters of a block that its calls must differ by."""
        return tuple(name for name in self.program.blocks[block].params if (block_id(block), name) in self.hard)

    def kinds(self, key: Key) -> set[str]:
        """The kinds of components that a parameter names."""
        return self._kinds[key]


def registry_space(raw: Any) -> bool:
    """Whether a parameter's value is a search space."""
    from dlspec.graph.lower.space import is_space

    return is_space(raw)


def _bound(step: Step) -> Iterator[str]:
    for inner in walk((step,)):
        yield from inner.names


def _named(raw: Any, kind: str) -> bool:
    """Whether a value is the plain name of a component, as Keras spells it."""
    if registry_space(raw):
        return all(_named(value, kind) for value in raw.get("choice", (0,)))
    owner = registry.find(kind, raw) if isinstance(raw, str) else None
    return owner is not None and owner.plain_name and owner.registered_name == raw


def given_params(step: Step, params: list[str]) -> dict[str, Any]:
    """Written parameters of a block's call by name."""
    if step.value is not None and not isinstance(step.value, Map):
        return {params[0]: step.value} if params else {}
    return dict(step.options)


def option_needs(owner: type[Component], value: Any) -> Iterator[tuple[Any, str]]:
    """Every value with an expression among a component's options, and what it needs."""
    for name, raw in registry.options_by_name(owner, value).items():
        field = owner.fields.get(name)
        if field is None or name in COMMON or not any(names_in(raw)):
            continue
        if field.textual or transforms(owner) or (isinstance(raw, str) and _by_axis(owner, name)):
            yield raw, "hard"
        elif field.kind:
            yield from _field_needs(field, raw)
        else:
            yield raw, "soft"


def _by_axis(owner: type[Component], option: str) -> bool:
    """Whether the generated code adds a value for the batch to an option, which must be written out for that."""
    return issubclass(owner, Op) and option in owner.batch_entries


def _field_needs(field: Field[Any], raw: Any) -> Iterator[tuple[Any, str]]:
    if field.container in ("one", "number"):
        yield from _component_needs(field.kind, raw)
    elif field.container == "many" and isinstance(raw, list):
        for item in raw:
            yield from _component_needs(field.kind, item)
    else:
        yield raw, "hard"


def _component_needs(kind: str, raw: Any) -> Iterator[tuple[Any, str]]:
    if isinstance(raw, dict):
        name, value = registry.name_and_value(raw)
        owner = registry.find(kind, name)
        if owner is not None:
            yield from option_needs(owner, value)
    elif any(names_in(raw)):
        yield raw, kind if kind in NAMED_KINDS else "hard"
