"""A spec held against its schema: every raw error becomes a diagnostic, and the data are repaired where possible.

Repair keeps one mistake from causing more: a misspelt key is read as what was probably meant, anything else that is
wrong is replaced by :class:`~dlspec.source.Invalid`, which every later stage passes over in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from dlspec.errors import Diagnostic, Span, suggest
from dlspec.registry import JSON
from dlspec.schema.messages import Context, describe_error, schema_of
from dlspec.schema.validate import iterate_errors, resolve
from dlspec.tree import Invalid, Map, Seq, key_place, place


def check(data: Any, node: JSON, context: Context | None = None) -> list[Diagnostic]:
    """Checks `data` against the schema `node` and repairs it in place.

    Args:
        data: A loaded mapping or list, with spans.
        node: The schema.
        context: Where in a spec the data stand, for codes and wording; the root unless given.
    """
    context = context or Context()
    diagnostics: list[Diagnostic] = []
    pending = list(iterate_errors(data, node))
    # Misspelt keys first: reading them as meant may settle that another key is missing.
    pending.sort(key=lambda error: error.validator != "additionalProperties")
    while pending:
        error = pending.pop(0)
        diagnostic = _report(error, data, context)
        if diagnostic is not None:
            diagnostics.append(diagnostic)
            pending.extend(_repair(error, data))
    return diagnostics


def check_value(value: Any, node: JSON, context: Context, span: Span | None) -> list[Diagnostic]:
    """Checks one value that has no place of its own (the result of an expression).

    Args:
        value: Plain data.
        node: The schema.
        context: Where in a spec the value is used; its path ends with the option's name.
        span: Where the expression stands.
    """
    found = []
    for error in iterate_errors(value, node):
        message = describe_error(error, context.inside(list(error.path)))
        found.append(Diagnostic(message.code, message.text, span, message.help))
    return found


def _report(error: ValidationError, data: Any, context: Context) -> Diagnostic | None:
    path = list(error.path)
    container = _walk(data, path)
    if isinstance(container, Invalid):
        return None
    if error.validator == "required" and error.message in container:
        return None
    message = describe_error(error, context.inside(path), container)
    return Diagnostic(message.code, message.text, _span(error, data, path, message.at_key), message.help)


def _span(error: ValidationError, data: Any, path: list[Any], at_key: bool) -> Span | None:
    if error.validator == "additionalProperties":
        return key_place(_walk(data, path), error.message)
    if not path:
        return _first_line(data)
    parent = _walk(data, path[:-1])
    keyed = at_key or error.validator in ("required", "maxProperties", "minProperties")
    if keyed and isinstance(path[-1], str):
        return key_place(parent, path[-1])
    return place(parent, path[-1])


def _first_line(data: Any) -> Span | None:
    span = place(data)
    return Span(span.file, span.line, span.column, span.line, span.column + 1) if span else None


def _repair(error: ValidationError, data: Any) -> Iterator[ValidationError]:
    """Mends what the error speaks of; yields errors that only show after the mend."""
    path = list(error.path)
    container = _walk(data, path)
    if error.validator == "additionalProperties" and isinstance(container, Map):
        yield from _repair_key(error, data, path, container)
    elif error.validator == "required" and isinstance(container, Map):
        container[error.message] = Invalid()
    elif path:
        parent = _walk(data, path[:-1])
        parent[path[-1]] = Invalid(parent[path[-1]])


def _repair_key(error: ValidationError, data: Any, path: list[Any], container: Map) -> Iterator[ValidationError]:
    key, node = error.message, schema_of(error)
    if "x-names" in node:
        if path and node.get("maxProperties") == 1:
            parent = _walk(data, path[:-1])
            parent[path[-1]] = Invalid(container)
        else:
            container.drop(key)
        return
    properties = node["properties"]
    meant = suggest(key, [name for name in properties if name not in container])
    if meant is None:
        container.drop(key)
        container.tainted = True
        return
    container.rename(key, meant)
    for further in iterate_errors(container[meant], resolve(properties[meant])):
        further.path.extendleft([meant, *reversed(path)])
        yield further


def _walk(data: Any, path: list[Any]) -> Any:
    for key in path:
        if isinstance(data, Invalid) or not isinstance(data, Map | Seq | dict | list):
            return Invalid()
        if isinstance(data, dict) and key not in data:
            return Invalid()
        data = data[key]
    return data
