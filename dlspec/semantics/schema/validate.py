"""Holds data against ``schemas/spec.json`` and yields what violates it, all of it.

jsonschema's validator visits every property of the schema for every instance and resolves references through a
registry, and importing it takes a third of the time in which a spec is checked; this one visits what the instance has.
Tests compare what both say.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from dlspec.components.registry import JSON
from dlspec.core import resources
from dlspec.core.tree import Map, Seq


class Violation:
    """A place where data violate the schema.

    Attributes:
        message: The key that is not known (``additionalProperties``) or missing (``required``); "" for others.
        path: Keys and indices from the root of the data to the instance.
        instance: What is wrong.
        schema: The schema that it violates.
        validator: The keyword of the schema that does not hold.
        validator_value: Its value.
    """

    __slots__ = ("instance", "message", "path", "schema", "validator", "validator_value")

    def __init__(self, message: str = "") -> None:
        """Found by a keyword; what is around it is filled in by whoever applied the keyword."""
        self.message = message
        self.path: deque[str | int] = deque()
        self.instance: Any = None
        self.schema: JSON = {}
        self.validator = ""
        self.validator_value: Any = None


Violations = Iterator[Violation]


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


def iterate_errors(data: Any, node: JSON) -> Violations:
    """All errors of `data` against the schema `node`."""
    return _descend(data, node, None)


def is_valid(data: Any, node: JSON) -> bool:
    """Whether nothing is wrong with `data`, as far as a schema tells."""
    return next(iterate_errors(data, node), None) is None


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression whose final ``$`` accepts no trailing newline, as in ECMA-262."""
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern)


def _descend(instance: Any, node: JSON, key: str | int | None) -> Violations:
    for keyword, value in node.items():
        function = KEYWORDS.get(keyword)
        if function is None:
            continue
        for error in function(value, instance, node):
            if not error.validator:
                error.validator, error.validator_value, error.instance, error.schema = keyword, value, instance, node
            if key is not None:
                error.path.appendleft(key)
            yield error


def _ref(reference: str, instance: Any, node: JSON) -> Violations:
    yield from _descend(instance, definition(reference.removeprefix("#/$defs/")), None)


def _properties(properties: JSON, instance: Any, node: JSON) -> Violations:
    if isinstance(instance, dict):
        for key, value in instance.items():
            if key in properties:
                yield from _descend(value, properties[key], key)


def _pattern_properties(patterns: JSON, instance: Any, node: JSON) -> Violations:
    if isinstance(instance, dict):
        properties = node.get("properties", {})
        for key, value in instance.items():
            if key in properties:
                continue
            for pattern, subschema in patterns.items():
                if compile_pattern(pattern).search(key):
                    yield from _descend(value, subschema, key)


def _additional_properties(value: Any, instance: Any, node: JSON) -> Violations:
    """One error for each extra key, with the key as the error's message."""
    if not isinstance(instance, dict) or len(instance) > node.get("maxProperties", math.inf):
        return
    properties, patterns = node.get("properties", {}), node.get("patternProperties", {})
    for key, item in instance.items():
        if key in properties or any(compile_pattern(pattern).search(key) for pattern in patterns):
            continue
        if value is False:
            yield Violation(key)
        else:
            yield from _descend(item, value, key)


def _required(required: list[str], instance: Any, node: JSON) -> Violations:
    if isinstance(instance, dict):
        yield from (Violation(key) for key in required if key not in instance)


def _any_of(branches: list[JSON], instance: Any, node: JSON) -> Violations:
    # What a per-output map means is only known with the model's outputs; dlspec.semantics.evaluate checks it then.
    if "x-per-output" in node:
        return
    if len(branches) == 2 and branches[1] == {"type": "null"}:  # something that may be left out: its own errors
        if instance is not None:
            yield from _descend(instance, branches[0], None)
        return
    if not any(_fits(branch, instance) for branch in branches):
        yield Violation("")


def _else(branch: JSON, instance: Any, node: JSON) -> Violations:
    if isinstance(instance, dict) and not _fits(node["if"], instance):
        yield from _descend(instance, branch, None)


def _fits(branch: JSON, instance: Any) -> bool:
    """Whether `instance` satisfies a branch of an ``anyOf``; most are decided without making an error to throw away."""
    names = _TYPES.get(type(instance), ())
    if "type" in branch and isinstance(branch["type"], str) and branch["type"] not in names:
        return False
    if "enum" in branch and ("object" in names or "array" in names or not _among(instance, branch["enum"])):
        return False
    if branch.keys() <= {"type", "enum"}:
        return True
    return next(_descend(instance, branch, None), None) is None


def _type(types: str | list[str], instance: Any, node: JSON) -> Violations:
    names = _TYPES.get(type(instance), ())
    if isinstance(types, str):
        types = [types]
    if not any(name in types for name in names) or (isinstance(instance, float) and not math.isfinite(instance)):
        yield Violation("")


def _enum(values: list[Any], instance: Any, node: JSON) -> Violations:
    if isinstance(instance, dict | list) or not _among(instance, values):
        yield Violation("")


def _among(instance: Any, values: list[Any]) -> bool:
    return any(instance == value and type(instance) is type(value) for value in (values if instance in values else ()))


def _items(items: JSON, instance: Any, node: JSON) -> Violations:
    if isinstance(instance, list):
        for index, item in enumerate(instance):
            yield from _descend(item, items, index)


def _pattern(pattern: str, instance: Any, node: JSON) -> Violations:
    if isinstance(instance, str) and not compile_pattern(pattern).search(instance):
        yield Violation("")


# 64.0 is no integer, true no number, NaN neither; jsonschema sees all of these differently.
_TYPES: dict[type, tuple[str, ...]] = {
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


def _bound(keyword: str) -> Callable[[Any, Any, JSON], Iterable[Violation]]:
    wanted, breaks = BOUNDS[keyword]

    def hold(bound: Any, instance: Any, node: JSON) -> Iterable[Violation]:
        return (Violation(),) if wanted in _TYPES.get(type(instance), ()) and breaks(instance, bound) else ()

    return hold


# All keywords that are checked; others say something to editors and to us.
KEYWORDS: dict[str, Callable[[Any, Any, JSON], Iterable[Violation]]] = {
    "$ref": _ref,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "required": _required,
    "anyOf": _any_of,
    "if": lambda condition, instance, node: (),  # which of its branches counts, `else` asks
    "else": _else,
    "items": _items,
    "pattern": _pattern,
    "type": _type,
    "enum": _enum,
    **{keyword: _bound(keyword) for keyword in BOUNDS},
}
