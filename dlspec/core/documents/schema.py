"""JSON schemas of documents, from their types; and values held against those types, quickly."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

JSON = dict[str, Any]

_SIMPLE: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
# Lists of these are long, such as the rows of a confusion matrix, and looked at as a whole.
_EXACT: dict[Any, set[type]] = {str: {str}, int: {int}, float: {int, float}}
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def schema_of(kind: Any, title: str) -> JSON:
    """The JSON schema of a document.

    Args:
        kind: Its type: of ``TypedDict``, ``list``, ``dict``, ``Literal``, unions and what JSON has.
        title: What it is.
    """
    definitions: dict[str, JSON] = {}
    body = _node(kind, definitions)
    if body.keys() == {"$ref"}:
        body = definitions.pop(body["$ref"].removeprefix("#/$defs/"))
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return head | body | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})


def _node(kind: Any, definitions: dict[str, JSON]) -> JSON:
    if kind is Any:
        return {}
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    if is_typeddict(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # in case it holds itself
            definitions[kind.__name__] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _node(arguments[0], definitions)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _node(arguments[1], definitions)}
    return _union([_node(argument, definitions) for argument in arguments])


def _union(branches: list[JSON]) -> JSON:
    if all(branch.keys() == {"type"} for branch in branches):
        return {"type": [branch["type"] for branch in branches]}
    return {"anyOf": branches}


def _object(kind: Any, definitions: dict[str, JSON]) -> JSON:
    documented = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    meanings = {name: " ".join(text.split()) for name, text in _ENTRY.findall(documented)}
    properties = {}
    for name, hint in hints(kind).items():
        described = {"description": meanings[name]} if name in meanings else {}
        properties[name] = _node(hint, definitions) | described
    required = sorted(kind.__required_keys__)
    body: JSON = {"type": "object", "description": documented.split("\n\n")[0].replace("\n", " ")}
    return body | ({"required": required} if required else {}) | {"properties": properties}


@cache
def hints(kind: Any) -> dict[str, Any]:
    """Names and types of the keys of a ``TypedDict``."""
    return get_type_hints(kind)


def differences(value: Any, kind: Any, whole: frozenset[Any] = frozenset()) -> Iterator[str]:
    """Paths of what is not of its type, such as ``data.targets.k``; the path of the value itself is "".

    Keys that a type does not know are no difference: a later version may have written them. Neither are keys that are
    lacking, but for those of the types `whole`, on which readers rely.
    """
    if is_typeddict(kind):
        if not isinstance(value, dict):
            yield ""
            return
        known = hints(kind)
        if kind in whole and not kind.__required_keys__ <= value.keys():
            yield ""
        for name in known.keys() & value.keys():
            yield from _below(name, value[name], known[name], whole)
        return
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list and isinstance(value, list):
        if arguments[0] in _EXACT and {*map(type, value)} <= _EXACT[arguments[0]]:
            return
        for index, item in enumerate(value):
            yield from _below(str(index), item, arguments[0], whole)
    elif origin in (dict, Mapping) and isinstance(value, dict):
        for name, item in value.items():
            yield from _below(name, item, arguments[1], whole)
    elif not _fits(value, kind, origin, arguments, whole):
        yield ""


def _below(name: str, value: Any, kind: Any, whole: frozenset[Any]) -> Iterator[str]:
    for path in differences(value, kind, whole):
        yield f"{name}.{path}" if path else name


def _fits(value: Any, kind: Any, origin: Any, arguments: tuple[Any, ...], whole: frozenset[Any]) -> bool:
    if kind is Any:
        return True
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in _SIMPLE:
        return isinstance(value, kind)
    if origin is Literal:
        return value in arguments
    if origin in (Union, types.UnionType):
        return any(next(differences(value, argument, whole), None) is None for argument in arguments)
    return False
