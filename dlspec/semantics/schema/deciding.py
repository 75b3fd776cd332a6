"""Whether data satisfy ``schemas/spec.json``: yes or no, without saying where they do not.

Nearly all data do, so this is what a check of a spec waits for: a part of the schema becomes a function when a value
reaches it the first time. :mod:`.validate` says what is wrong where one of them answers no, and means the same by
every keyword.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from dlspec.components.registry import JSON
from dlspec.semantics.schema.keywords import BOUNDS, TYPES, compile_pattern, definition

Check = Callable[[Any], bool]
# By identity, each beside its schema, so that the identity stays its own. Some are made for one value and come and go.
_CHECKS: dict[int, tuple[JSON, Check]] = {}
_MOST_CHECKS = 8192


def is_valid(data: Any, node: JSON) -> bool:
    """Whether nothing is wrong with `data`, as far as the schema `node` tells."""
    known = _CHECKS.get(id(node))
    if known is None:
        if len(_CHECKS) >= _MOST_CHECKS:
            _CHECKS.clear()
        known = _CHECKS[id(node)] = node, _compiled(node)
    return known[1](data)


def _compiled(node: JSON) -> Check:
    checks = tuple(_checks(node))
    if len(checks) == 1:
        return checks[0]

    def all_hold(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - a generator for each value would take half of the time
            if not check(value):
                return False
        return True

    return all_hold


def _checks(node: JSON) -> Iterator[Check]:
    """A function for each keyword, those that decide most first."""
    yield from (check_of(node[keyword]) for keyword, check_of in SINGLE.items() if keyword in node)
    if "$ref" in node:
        yield _reference(node["$ref"].removeprefix("#/$defs/"))
    if node.keys() & {"properties", "patternProperties", "additionalProperties", "required"}:
        yield _mapping(node)
    if "items" in node:
        yield _items(node["items"])
    # What a per-output map means is only known with the model's outputs; dlspec.semantics.evaluate checks it then.
    if "anyOf" in node and "x-per-output" not in node:
        yield _any_of(node["anyOf"])
    if "else" in node:
        yield _else(node)


def _type(types: str | list[str]) -> Check:
    wanted = {types} if isinstance(types, str) else set(types)
    kinds = frozenset(kind for kind, names in TYPES.items() if not wanted.isdisjoint(names))

    def check(value: Any) -> bool:
        return type(value) in kinds and (type(value) is not float or math.isfinite(value))

    return check


def _enum(values: list[Any]) -> Check:
    allowed = frozenset((type(value), value) for value in values)  # `true` is not 1
    kinds = frozenset(type(value) for value in values)  # others may have no hash
    return lambda value: type(value) in kinds and (type(value), value) in allowed


def _bound(keyword: str) -> Callable[[Any], Check]:
    wanted, breaks = BOUNDS[keyword]
    kinds = frozenset(kind for kind, names in TYPES.items() if wanted in names)
    return lambda bound: lambda value: type(value) not in kinds or not breaks(value, bound)


def _pattern(pattern: str) -> Check:
    search = compile_pattern(pattern).search
    return lambda value: not isinstance(value, str) or search(value) is not None


# Keywords that look at a value alone; :mod:`.validate` asks them too.
SINGLE: dict[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    **{keyword: _bound(keyword) for keyword in BOUNDS},
    "pattern": _pattern,
}


def _reference(name: str) -> Check:
    # Which definition the name has depends on the spec that is looked at.
    return lambda value: is_valid(value, definition(name))


def _items(items: JSON) -> Check:
    check_item = _compiled(items)

    def check(value: Any) -> bool:
        if isinstance(value, list):
            for item in value:
                if not check_item(item):
                    return False
        return True

    return check


def _any_of(branches: list[JSON]) -> Check:
    checks = [_compiled(branch) for branch in branches]

    def check(value: Any) -> bool:
        for branch in checks:  # noqa: SIM110
            if branch(value):
                return True
        return False

    return check


def _else(node: JSON) -> Check:
    condition, otherwise = _compiled(node["if"]), _compiled(node["else"])
    return lambda value: not isinstance(value, dict) or condition(value) or otherwise(value)


def _mapping(node: JSON) -> Check:
    """What a schema says of the keys of a mapping, and of the values behind them."""
    properties: JSON = node.get("properties", {})
    required = frozenset(node.get("required", ()))
    other = _other_keys(node)
    known: dict[str, Check] = {}  # those of `properties` that a value had

    def check(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        for key, item in value.items():
            check_item = known.get(key)
            if check_item is None:
                if key not in properties:
                    if not other(key, item):
                        return False
                    continue
                check_item = known[key] = _compiled(properties[key])
            if not check_item(item):
                return False
        return not required or required <= value.keys()

    return check


def _other_keys(node: JSON) -> Callable[[str, Any], bool]:
    """What holds for a key that is not among the `properties`."""
    patterns = [
        (compile_pattern(pattern).search, _compiled(inner))
        for pattern, inner in node.get("patternProperties", {}).items()
    ]
    additional = node.get("additionalProperties", {})
    rest = _compiled(additional) if isinstance(additional, dict) else lambda _value: additional is not False

    def check(key: str, value: Any) -> bool:
        fitting = [inner for search, inner in patterns if search(key)]
        return all(inner(value) for inner in fitting) if fitting else rest(value)

    return check
