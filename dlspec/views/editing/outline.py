"""The outline of a spec, and what an editor may fold away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from dlspec.components import registry
from dlspec.core.errors import Span
from dlspec.core.tree import Map, Seq, is_empty, span_of, span_of_key


class Entry(NamedTuple):
    """A line of the outline.

    Attributes:
        name: Its text.
        detail: What stands beside it, in a fainter colour.
        kind: ``section``, ``input``, ``block``, ``layer`` or ``parameter``.
        span: All of it.
        label: Its name alone.
        inner: Entries below it.
    """

    name: str
    detail: str
    kind: str
    span: Span
    label: Span
    inner: tuple[Entry, ...] = ()


_PARALLEL = "parallel"
_GROUPS = ("residual", _PARALLEL)  # whose value may be the list of their steps
# Kinds of the entries of sections whose keys are names.
_NAMED = {"inputs": "input", "params": "parameter", "blocks": "block", "models": "block"}


def outline(data: Map) -> tuple[Entry, ...]:
    """The sections of a spec with inputs, parameters, blocks and layers below them."""
    return tuple(_section(data, key) for key in data)


def _section(data: Map, key: str) -> Entry:
    value = data[key]
    inner: tuple[Entry, ...] = ()
    if key == "layers":
        inner = tuple(_layers(value))
    elif isinstance(value, Map):
        inner = tuple(_named(value, name, _NAMED.get(key, "section")) for name in value)
    detail = str(value) if key == "name" else ""
    return _entry(data, key, detail, "section", inner)


def _named(data: Map, key: str, kind: str) -> Entry:
    value = data[key]
    layers = value.get("layers") if isinstance(value, Map) and kind == "block" else None
    detail = "" if isinstance(value, Map | Seq) or is_empty(data, key) else str(value)
    return _entry(data, key, detail, kind, tuple(_layers(layers)))


def _entry(data: Map, key: str, detail: str, kind: str, inner: tuple[Entry, ...]) -> Entry:
    label, value = span_of_key(data, key), span_of(data, key)
    if label is None or value is None:  # data that are no part of a file
        label = value = Span("", 1, 1, 1, 1)
    span = label._replace(end_line=value.end_line, end_column=value.end_column)
    return Entry(key, detail, kind, span if value[1:3] >= label[3:5] else label, label, inner)


def _layers(items: Any) -> Iterator[Entry]:
    """An entry for each step of a list; those of groups below them, those of a list inside the list beside them."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        span = span_of(items, index)
        if isinstance(item, Seq):
            yield from _layers(item)
        if span is None or not item or not isinstance(item, str | Map):
            continue
        key, value = registry.name_and_value(item)
        label = span_of_key(item, key) if isinstance(item, Map) else span
        name = value.get("name") if isinstance(value, Map) else None
        shown = ", ".join(map(str, name)) if isinstance(name, list) else str(name or "")
        yield Entry(str(key), shown, "layer", span, label or span, tuple(_inner(key, value)))


def _inner(key: str, value: Any) -> Iterator[Entry]:
    """The steps inside a group: of its list, or of each of its branches."""
    if isinstance(value, Map):
        for part in ("layers", "shortcut"):
            yield from _layers(value.get(part))
        branches = value.get("branches", value if key == _PARALLEL else None)
        yield from _layers(branches)
        for branch in branches.values() if isinstance(branches, Map) else ():
            yield from _layers(branch)
    elif key in _GROUPS:
        yield from _layers(value)


def foldings(data: Map, lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """First and last line of each part that may be folded, and what it is: "" or ``comment``."""
    yield from dict.fromkeys((first, last, "") for first, last in _parts(data) if last > first)
    begun = 0
    for number, line in enumerate([*lines, ""], 1):
        if line.lstrip().startswith("#"):
            begun = begun or number
        elif begun:
            if number - begun > 1:
                yield begun, number - 1, "comment"
            begun = 0


def _parts(value: Any) -> Iterator[tuple[int, int]]:
    if isinstance(value, Map):
        for key, item in value.items():
            label, span = span_of_key(value, key), span_of(value, key)
            if label is not None and span is not None and isinstance(item, Map | Seq | str):
                yield label.line, span.end_line
            yield from _parts(item)
    elif isinstance(value, Seq):
        for item, span in zip(value, value.item_spans, strict=False):
            yield span.line, span.end_line
            yield from _parts(item)
