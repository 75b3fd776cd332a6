"""The schema of a spec, ``schemas/spec.json``, and what its keywords mean for single values."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from dlspec.components.registry import JSON
from dlspec.core import resources
from dlspec.core.tree import Map, Seq


@lru_cache(maxsize=1)
def schema() -> JSON:
    """The schema of a whole spec."""
    loaded: JSON = json.loads(resources.read("schemas", "spec.json"))
    return loaded


# Definitions that take the place of those of the schema, while a spec with components of its own is looked at.
_OWN: ContextVar[Mapping[str, JSON] | None] = ContextVar("own definitions", default=None)


@contextmanager
def opened_to(definitions: Mapping[str, JSON]) -> Iterator[None]:
    """Inside, specs are validated against these definitions, which take the place of others of the same name."""
    token = _OWN.set(definitions or None)
    try:
        yield
    finally:
        _OWN.reset(token)


def definition(name: str) -> JSON:
    """One of its ``$defs``."""
    own = _OWN.get()
    node: JSON = own[name] if own is not None and name in own else schema()["$defs"][name]
    return node


def resolve(node: JSON) -> JSON:
    """`node` with a ``$ref`` at its top followed; keys beside the reference win."""
    while "$ref" in node:
        target = definition(node["$ref"].removeprefix("#/$defs/"))
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression whose final ``$`` accepts no trailing newline, as in ECMA-262."""
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern)


# 64.0 is no integer, true no number, NaN neither; jsonschema sees all of these differently.
TYPES: dict[type, tuple[str, ...]] = {
    str: ("string",),
    Map: ("object",),
    dict: ("object",),
    Seq: ("array",),
    list: ("array",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    type(None): ("null",),
}


def _repeats(items: list[Any]) -> bool:
    """Whether an item stands twice; `true` is not 1."""
    plain = (str, int, float, type(None))
    keys = {(type(item) is bool, item) if isinstance(item, plain) else repr(item) for item in items}
    return len(keys) < len(items)


# Keywords that bound a value: which instances they are for, and whether one breaks its bound.
BOUNDS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "minimum": ("number", operator.lt),
    "maximum": ("number", operator.gt),
    "exclusiveMinimum": ("number", operator.le),
    "exclusiveMaximum": ("number", operator.ge),
    "minLength": ("string", lambda text, least: len(text) < least),
    "minItems": ("array", lambda items, least: len(items) < least),
    "maxItems": ("array", lambda items, most: len(items) > most),
    "uniqueItems": ("array", lambda items, unique: unique and _repeats(items)),
    "minProperties": ("object", lambda mapping, least: len(mapping) < least),
    "maxProperties": ("object", lambda mapping, most: len(mapping) > most),
}
