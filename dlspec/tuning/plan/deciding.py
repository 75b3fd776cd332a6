"""The parameters that may decide about the use of others: only their values are looked at one by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from dlspec.core.errors import Problem
from dlspec.core.tree import Map
from dlspec.syntax.expressions import Expression, names_in, template

# Options of steps whose value says whether, or how often, something else is read.
_DECIDING = ("if", "repeat", "times", "each", "let")


def deciding(data: Map) -> frozenset[str]:
    """Names of parameters, of the spec or of blocks, on whose value it depends what else is used.

    They stand in an `if`, a count, a condition inside an expression, or in what is handed on as such a parameter.
    Names are followed without regard to where they are declared, so there may be a few too many.
    """
    names = set(_decisive(data))
    flows = list(_flows(data))
    before = -1
    while before != len(names):
        before = len(names)
        for target, raw in flows:
            if target in names:
                names |= set(names_in(raw, textual=True))
    return frozenset(names)


def _decisive(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in _DECIDING:
                yield from names_in(item, textual=True)
            yield from _decisive(item)
    elif isinstance(value, list):
        for item in value:
            yield from _decisive(item)
    elif isinstance(value, str) and "$" in value and _lazy(value):
        yield from names_in(value, textual=True)


def _lazy(text: str) -> bool:
    """Whether an expression may leave a part of itself unread."""
    try:
        parts = template(text)
    except Problem:
        return True
    trees = [part.tree for part in parts if isinstance(part, Expression)]
    tokens = text.split()
    inside = any(isinstance(node, ast.IfExp | ast.BoolOp) for tree in trees for node in ast.walk(tree))
    return inside or any(keyword in tokens for keyword in ("if", "and", "or"))


def _flows(data: Map) -> Iterator[tuple[str, Any]]:
    """Each parameter with every value that it may have."""
    params = data.get("params")
    yield from params.items() if isinstance(params, Map) else ()
    blocks = data.get("blocks")
    declared = {name: value.get("params") for name, value in _items(blocks) if isinstance(value, Map)}
    for params in declared.values():
        yield from _items(params)
    for name, value in _calls(data):
        params = declared.get(name)
        if isinstance(params, Map) and params:
            yield from value.items() if isinstance(value, Map) else [(next(iter(params)), value)]


def _calls(value: Any) -> Iterator[tuple[str, Any]]:
    """Pairs of name and value that may be calls of blocks."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key[:1].isupper():
                yield key, item
            yield from _calls(item)
    elif isinstance(value, list):
        for item in value:
            yield from _calls(item)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, Map) else ()
