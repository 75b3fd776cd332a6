"""Holds data against ``schemas/spec.json`` with jsonschema and yields its raw errors, all of them.

jsonschema's own applicators (``properties``, ``$ref`` …) visit every property of the schema for every instance and
resolve references through a registry; ours visit what the instance has. Its assertions are used as they are.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from dlspec.components.registry import JSON
from dlspec.core import resources
from dlspec.core.tree import Map, Seq

Errors = Iterator[ValidationError]


@lru_cache(maxsize=1)
def schema() -> JSON:
    """The schema of a whole spec."""
    loaded: JSON = json.loads(resources.read("schemas", "spec.json"))
    return loaded


def definition(name: str) -> JSON:
    """One of its ``$defs``."""
    found: JSON = schema()["$defs"][name]
    return found


def resolve(node: JSON) -> JSON:
    """`node` with a ``$ref`` at its top followed; keys beside the reference win."""
    while "$ref" in node:
        target = definition(node["$ref"].removeprefix("#/$defs/"))
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def iterate_errors(data: Any, node: JSON) -> Errors:
    """All errors of `data` against the schema `node`."""
    return _descend(_validator(), data, node, None)


def is_valid(data: Any, node: JSON) -> bool:
    """Whether nothing is wrong with `data`, as far as a schema tells."""
    return next(iterate_errors(data, node), None) is None


@lru_cache(maxsize=1)
def _validator() -> Any:
    return _Validator({})


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression whose final ``$`` accepts no trailing newline, as in ECMA-262."""
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern)


def _descend(validator: Any, instance: Any, node: JSON, key: str | int | None) -> Errors:
    keywords = validator.VALIDATORS
    for keyword, value in node.items():
        function = keywords.get(keyword)
        if function is None:
            continue
        for error in function(validator, value, instance, node) or ():
            error._set(validator=keyword, validator_value=value, instance=instance, schema=node, type_checker=None)
            if key is not None:
                error.path.appendleft(key)
            yield error


def _ref(validator: Any, reference: str, instance: Any, node: JSON) -> Errors:
    yield from _descend(validator, instance, definition(reference.removeprefix("#/$defs/")), None)


def _properties(validator: Any, properties: JSON, instance: Any, node: JSON) -> Errors:
    if isinstance(instance, dict):
        for key, value in instance.items():
            if key in properties:
                yield from _descend(validator, value, properties[key], key)


def _pattern_properties(validator: Any, patterns: JSON, instance: Any, node: JSON) -> Errors:
    if isinstance(instance, dict):
        properties = node.get("properties", {})
        for key, value in instance.items():
            if key in properties:
                continue
            for pattern, subschema in patterns.items():
                if compile_pattern(pattern).search(key):
                    yield from _descend(validator, value, subschema, key)


def _additional_properties(validator: Any, value: Any, instance: Any, node: JSON) -> Errors:
    """One error for each extra key, with the key as the error's message."""
    if not isinstance(instance, dict) or len(instance) > node.get("maxProperties", math.inf):
        return
    properties, patterns = node.get("properties", {}), node.get("patternProperties", {})
    for key, item in instance.items():
        if key in properties or any(compile_pattern(pattern).search(key) for pattern in patterns):
            continue
        if value is False:
            yield ValidationError(key)
        else:
            yield from _descend(validator, item, value, key)


def _required(validator: Any, required: list[str], instance: Any, node: JSON) -> Errors:
    if isinstance(instance, dict):
        yield from (ValidationError(key) for key in required if key not in instance)


def _any_of(validator: Any, branches: list[JSON], instance: Any, node: JSON) -> Errors:
    # What a per-output map means is only known with the model's outputs; dlspec.semantics.evaluate checks it then.
    if "x-per-output" in node:
        return
    if len(branches) == 2 and branches[1] == {"type": "null"}:  # something that may be left out: its own errors
        if instance is not None:
            yield from _descend(validator, instance, branches[0], None)
        return
    if not any(_fits(validator, branch, instance) for branch in branches):
        yield ValidationError("")


def _fits(validator: Any, branch: JSON, instance: Any) -> bool:
    """Whether `instance` satisfies a branch of an ``anyOf``; most are decided without making an error to throw away."""
    names = _TYPES.get(type(instance), ())
    if "type" in branch and isinstance(branch["type"], str) and branch["type"] not in names:
        return False
    if "enum" in branch and ("object" in names or "array" in names or not _among(instance, branch["enum"])):
        return False
    if branch.keys() <= {"type", "enum"}:
        return True
    return next(_descend(validator, instance, branch, None), None) is None


def _type(validator: Any, types: str | list[str], instance: Any, node: JSON) -> Errors:
    names = _TYPES.get(type(instance), ())
    if isinstance(types, str):
        types = [types]
    if not any(name in types for name in names) or (isinstance(instance, float) and not math.isfinite(instance)):
        yield ValidationError("")


def _enum(validator: Any, values: list[Any], instance: Any, node: JSON) -> Errors:
    if isinstance(instance, dict | list) or not _among(instance, values):
        yield ValidationError("")


def _among(instance: Any, values: list[Any]) -> bool:
    return any(instance == value and type(instance) is type(value) for value in (values if instance in values else ()))


def _items(validator: Any, items: JSON, instance: Any, node: JSON) -> Errors:
    if isinstance(instance, list):
        for index, item in enumerate(instance):
            yield from _descend(validator, item, items, index)


def _pattern(validator: Any, pattern: str, instance: Any, node: JSON) -> Errors:
    if isinstance(instance, str) and not compile_pattern(pattern).search(instance):
        yield ValidationError("")


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


_KEYWORDS: dict[str, Callable[..., Errors]] = {
    "$ref": _ref,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "required": _required,
    "anyOf": _any_of,
    "items": _items,
    "pattern": _pattern,
    "type": _type,
    "enum": _enum,
}
_Validator: Any = cast("Any", extend)(Draft202012Validator, _KEYWORDS)
