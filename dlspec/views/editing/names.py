"""The names of a spec: which there are, where each is given, and where it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.core.errors import Span
from dlspec.core.tree import Map, Seq, span_of, span_of_key
from dlspec.views.editing.text import Text

TENSOR, PARAMETER, BLOCK = "tensor", "parameter", "block"
_USE = re.compile(r"\$\$|\$(?:channels|shape)\(([a-z][A-Za-z0-9_]*)\)|\$([A-Za-z][A-Za-z0-9_]*)")
# Sections whose keys and texts may be names of inputs and outputs, of layers, blocks and models.
_SPEAKING = ("data", "train", "tune", "report", "expect", "generate")


class Name(NamedTuple):
    """A name at one place.

    Attributes:
        kind: :data:`TENSOR`, :data:`PARAMETER` or :data:`BLOCK` (a model as well).
        text: The name.
        scope: The block or model in which it holds, with the number of a repeat for its own names; "" for the spec.
        span: Its place.
        gives: Whether it is given there; used otherwise.
    """

    kind: str
    text: str
    scope: str
    span: Span
    gives: bool


def names_of(data: Map, text: Text) -> list[Name]:
    """Every name of a spec at every place where it stands."""
    return list(_Reader(data, text).everything())


class _Reader:
    """Walks through the data of one file."""

    def __init__(self, data: Map, text: Text) -> None:
        self.data = data
        self.text = text
        self.callable = {**_map(data.get("blocks")), **_map(data.get("models"))}
        self.params = frozenset(_map(data.get("params")))

    def everything(self) -> Iterator[Name]:
        yield from self.keys("params", PARAMETER, self.data, "")
        yield from self.keys("inputs", TENSOR, self.data, "")
        yield from self.steps(self.data.get("layers"), "", {})
        yield from self.listed(self.data, "outputs", "", gives=False)
        for section in ("blocks", "models"):
            for name, value in _map(self.data.get(section)).items():
                yield from self.key(self.data[section], name, BLOCK, "", gives=True)
                if isinstance(value, Map):
                    yield from self.declared(name, value)
        for section in ("params", "inputs", "expect"):
            yield from self.uses(self.data.get(section), (self.data, section), {})
        for section in _SPEAKING:
            if section in self.data:
                yield from self.uses(self.data[section], (self.data, section), {})
                yield from self.spoken(self.data[section], (self.data, section))

    def declared(self, name: str, value: Map) -> Iterator[Name]:
        """The names of a block or model."""
        local = dict.fromkeys(_map(value.get("params")), name)
        yield from self.keys("params", PARAMETER, value, name)
        yield from self.keys("inputs", TENSOR, value, name)
        if isinstance(value.get("inputs"), Seq):
            yield from self.listed(value, "inputs", name, gives=True)
        yield from self.uses(value.get("params"), (value, "params"), local, name)
        yield from self.steps(value.get("layers"), name, local)
        yield from self.listed(value, "outputs", name, gives=False)
        if isinstance(value.get("average_of"), str):
            yield from self.exactly(value["average_of"], (value, "average_of"), BLOCK, "")

    def steps(self, items: Any, scope: str, local: dict[str, str]) -> Iterator[Name]:
        """The names of a list of layers; `local` are parameters of the block or repeat, with their scopes."""
        for index, item in enumerate(items if isinstance(items, Seq) else ()):
            if isinstance(item, Seq):
                yield from self.steps(item, scope, local)
            elif isinstance(item, Map) and item:
                yield from self.step(item, scope, local)
            elif isinstance(item, str) and item[:1].isupper():
                yield from self.exactly(item, (items, index), BLOCK, "")

    def step(self, item: Map, scope: str, local: dict[str, str]) -> Iterator[Name]:
        key, value = registry.name_and_value(item)
        if key[:1].isupper():  # declared here, or in a file that is extended
            yield from self.key(item, key, BLOCK, "", gives=False)
            yield from self.arguments(key, self.callable.get(key), value)
        own = local
        if isinstance(value, Map):
            yield from self.listed(value, "name", scope, gives=True)
            yield from self.sources(value.get("from"), (value, "from"), scope)
            if key == "repeat":
                span = value.span or Span("", 0, 0, 0, 0)
                turns = f"{scope} {span.line}:{span.column}"
                for section in ("each", "let"):
                    own = own | dict.fromkeys(_map(value.get(section)), turns)
                    yield from self.keys(section, PARAMETER, value, turns)
            for part, inner in value.items():
                if part in ("layers", "shortcut", "branches"):
                    yield from self.branches(inner, (value, part), scope, own)
                else:
                    yield from self.uses(inner, (value, part), own if part == "let" else local, scope)
            if key == "parallel" and "branches" not in value:
                yield from self.branches(value, (item, key), scope, own)
        elif isinstance(value, Seq) and key in ("residual", "parallel"):
            yield from self.steps(value, scope, local)
        elif isinstance(value, Seq | str):
            yield from self.sources(value, (item, key), scope)
            yield from self.uses(value, (item, key), local, scope)

    def branches(self, value: Any, where: tuple[Any, Any], scope: str, local: dict[str, str]) -> Iterator[Name]:
        """The names in the branches of a group, or in its list of steps."""
        if isinstance(value, Seq):
            yield from self.steps(value, scope, local)
        elif isinstance(value, Map) and where[1] == "shortcut":
            yield from self.step(value, scope, local)
        elif isinstance(value, Map):
            for key, inner in value.items():
                yield from self.branches(inner, (value, key), scope, local)

    def arguments(self, name: str, called: Any, value: Any) -> Iterator[Name]:
        """The parameters of a block that a call names."""
        params = _map(called.get("params")) if isinstance(called, Map) else {}
        for key in value if isinstance(value, Map) else ():
            if key in params:
                yield from self.key(value, key, PARAMETER, name, gives=False)

    def sources(self, value: Any, where: tuple[Any, Any], scope: str) -> Iterator[Name]:
        """The names of tensors in a `from`, or in the list of what is merged."""
        if isinstance(value, str):
            yield from self.exactly(value, where, TENSOR, scope)
        elif isinstance(value, Map):
            for key, inner in value.items():
                yield from self.sources(inner, (value, key), scope)
        elif isinstance(value, Seq):
            for index, inner in enumerate(value):
                yield from self.sources(inner, (value, index), scope)

    def spoken(self, value: Any, where: tuple[Any, Any]) -> Iterator[Name]:
        """Names of the model in sections that speak of it: keys and texts that are one, or begin with one and a dot."""
        if isinstance(value, Map):
            for key, inner in value.items():
                span = span_of_key(value, key)
                if span is not None:
                    yield from self.speaking(key, span)
                yield from self.spoken(inner, (value, key))
        elif isinstance(value, Seq):
            for index, inner in enumerate(value):
                yield from self.spoken(inner, (value, index))
        elif isinstance(value, str) and (span := span_of(*where)) is not None:
            yield from self.speaking(value, span)

    def speaking(self, value: str, span: Span) -> Iterator[Name]:
        """A text as the name of a tensor, and of a block or model where there is one."""
        first = value.split(".")[0]
        at = self.inside(first, span)
        if at is not None:
            yield Name(BLOCK if first in self.callable else TENSOR, first, "", at, gives=False)

    def keys(self, section: str, kind: str, data: Map, scope: str) -> Iterator[Name]:
        for key in _map(data.get(section)):
            yield from self.key(data[section], key, kind, scope, gives=True)

    def key(self, data: Map, key: str, kind: str, scope: str, *, gives: bool) -> Iterator[Name]:
        span = span_of_key(data, key)
        at = self.inside(key, span) if span is not None else None
        if at is not None:
            yield Name(kind, key, scope, at, gives)

    def listed(self, data: Map, key: str, scope: str, *, gives: bool) -> Iterator[Name]:
        """One name, or a list of such."""
        value = data.get(key)
        items: list[tuple[Any, tuple[Any, Any]]] = [(value, (data, key))] if isinstance(value, str) else []
        items += [(item, (value, index)) for index, item in enumerate(value)] if isinstance(value, Seq) else []
        for item, where in items:
            if isinstance(item, str):
                yield from self.exactly(item, where, TENSOR, scope, gives=gives)

    def exactly(
        self, value: str, where: tuple[Any, Any], kind: str, scope: str, *, gives: bool = False
    ) -> Iterator[Name]:
        span = span_of(*where)
        at = self.inside(value, span) if span is not None else None
        if at is not None and value and "$" not in value:
            yield Name(kind, value, scope, at, gives)

    def uses(self, value: Any, where: tuple[Any, Any], local: dict[str, str], scope: str = "") -> Iterator[Name]:
        """Every `$name` in a value and all below it; `scope` is that of the tensors whose sizes it takes."""
        if isinstance(value, Map):
            for key, inner in value.items():
                yield from self.uses(inner, (value, key), local, scope)
        elif isinstance(value, Seq):
            for index, inner in enumerate(value):
                yield from self.uses(inner, (value, index), local, scope)
        elif isinstance(value, str) and "$" in value and (span := span_of(*where)) is not None:
            written = self.text.part(span)
            for match in _USE.finditer(written) if span.line == span.end_line else ():
                if match.lastindex is not None:
                    text, start = match.group(match.lastindex), span.column + match.start(match.lastindex)
                    at = span._replace(column=start, end_column=start + len(text))
                    if match.lastindex == 1:
                        yield Name(TENSOR, text, scope, at, gives=False)
                    else:
                        yield Name(PARAMETER, text, local.get(text, ""), at, gives=False)

    def inside(self, name: str, span: Span) -> Span | None:
        """Where a name stands in what is written there, quotes left out; None where it is written otherwise."""
        if span.line != span.end_line:
            return None
        at = self.text.part(span).find(name)
        return span._replace(column=span.column + at, end_column=span.column + at + len(name)) if at >= 0 else None


def _map(value: Any) -> Map:
    return value if isinstance(value, Map) else Map()


def name_at(names: list[Name], line: int, column: int) -> Name | None:
    """The name that a cursor touches."""
    for name in names:
        if name.span.line == line and name.span.column <= column <= name.span.end_column:
            return name
    return None


def same(names: list[Name], name: Name) -> list[Name]:
    """All places of the same name, those where it is given first."""
    places = {
        other.span: other
        for other in names
        if (other.kind, other.text, other.scope) == (name.kind, name.text, name.scope)
    }
    return sorted(places.values(), key=lambda other: (not other.gives, other.span))
