"""A spec held against its schema: every raw error becomes a diagnostic, and the data are repaired where possible.

Repair keeps one mistake from causing more: a misspelt key is read as what was probably meant, anything else that is
wrong is replaced by :class:`~dlspec.syntax.source.Invalid`, which every later stage passes over in silence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from dlspec.components.registry import JSON
from dlspec.core.errors import Diagnostic, Span
from dlspec.core.tree import Invalid, Map, Seq, span_of, span_of_key
from dlspec.semantics.schema.context import Context, Names
from dlspec.semantics.schema.keywords import compile_pattern, resolve
from dlspec.semantics.schema.meant import torn_apart, wanted_axes
from dlspec.semantics.schema.messages import describe_error, schema_of
from dlspec.semantics.schema.misplaced import part_of_data
from dlspec.semantics.schema.tuples import mend_torn
from dlspec.semantics.schema.unknown import fold, free_options, main_key, mended, option_fitting
from dlspec.semantics.schema.validate import Violation, iterate_errors

_ORDER = {"maxProperties": 0, "additionalProperties": 1}


def declared_names(data: Any, node: JSON) -> Names:
    """The blocks, models and parameters that a spec declares."""
    calls: list[str] = []
    misnamed: set[str] = set()
    params = set(_keys(data.get("params")))
    for section in ("blocks", "models"):
        (pattern,) = node["properties"][section]["patternProperties"]
        for name in _keys(data.get(section)):
            if compile_pattern(pattern).search(name):
                calls.append(name)
            else:
                misnamed.add(name)
            params.update(_keys(data[section][name].get("params")) if isinstance(data[section][name], dict) else ())
    return Names(tuple(calls), frozenset(misnamed), frozenset(params))


def _keys(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


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
    if pending and not context.path:
        context = Context((), declared_names(data, node))
        diagnostics.extend(mend_torn(data, data, node))
        pending = list(iterate_errors(data, node)) if diagnostics else pending
    # Misplaced and misspelt keys first: reading them as meant may settle that another key is missing.
    pending.sort(key=lambda error: _ORDER.get(error.validator, len(_ORDER)))
    waiting = deque(pending)
    while waiting:
        error = waiting.popleft()
        diagnostic = _report(error, data, context)
        if diagnostic is not None:
            diagnostics.append(diagnostic)
            waiting.extend(_repair(error, data))
    return diagnostics


def check_value(value: Any, node: JSON, context: Context, span: Span | None) -> list[Diagnostic]:
    """Checks one value that has no place of its own (the result of an expression).

    Args:
        value: Plain data.
        node: The schema.
        context: Where in a spec the value is used; its path ends with the option's name.
        span: Where the expression stands.
    """
    diagnostics = []
    for error in iterate_errors(value, node):
        message = describe_error(error, context.inside(list(error.path)))
        diagnostics.append(Diagnostic(message.code, message.text, span, message.help))
    return diagnostics


def _report(error: Violation, data: Any, context: Context) -> Diagnostic | None:
    """The diagnostic, or None where an earlier one has said it."""
    path = list(error.path)
    container = _walk(data, path)
    if container is not error.instance or isinstance(container, Invalid):
        return None
    if error.validator == "required" and isinstance(container, Map) and container.tainted:
        return None
    if error.validator == "required" and isinstance(container, dict) and error.message in container:
        return None
    unless = schema_of(error).get("x-unless", ()) if error.validator == "required" else ()
    if isinstance(container, dict) and any(key in container for key in unless):
        return None  # a misspelt key was read as that
    context = context.inside(path)
    if schema_of(error).get("x-names") == "layer":
        if _named(error) in context.names.misnamed:
            return None
        context = context._replace(axes=_axes(data, path))
    message = describe_error(error, context, container)
    return Diagnostic(message.code, message.text, _span(error, data, path, message.at_key), message.help)


def _named(error: Violation) -> str:
    """The layer that an error speaks of."""
    if error.validator == "additionalProperties":
        return error.message
    return error.instance if isinstance(error.instance, str) else ""


def _span(error: Violation, data: Any, path: list[Any], at_key: bool) -> Span | None:
    if error.validator == "additionalProperties":
        return span_of_key(_walk(data, path), error.message)
    if not path:
        return _first_line(data)
    if error.validator == "maxProperties" and schema_of(error).get("maxProperties") == 1:
        container = _walk(data, path)
        first = main_key(container, schema_of(error))
        return span_of_key(container, next(key for key in container if key != first))
    parent = _walk(data, path[:-1])
    if (error.validator in ("required", "minProperties") or at_key) and isinstance(path[-1], str):
        return span_of_key(parent, path[-1])
    return span_of(parent, path[-1])


def _first_line(data: Any) -> Span | None:
    span = span_of(data)
    return Span(span.file, span.line, span.column, span.line, span.column + 1) if span else None


def _repair(error: Violation, data: Any) -> Iterator[Violation]:
    """Mends what the error speaks of; yields errors that only show after the mend."""
    path = list(error.path)
    container = _walk(data, path)
    if container is not error.instance or isinstance(container, Invalid):
        return
    if error.validator == "additionalProperties" and isinstance(container, Map):
        yield from _repair_key(error, data, path, container)
    elif error.validator == "required" and isinstance(container, Map):
        for name in (error.message, *schema_of(error).get("required", ())):
            container.setdefault(name, Invalid())
    elif path:
        parent = _walk(data, path[:-1])
        node = schema_of(error)
        folded = fold(container, node) if error.validator == "maxProperties" and isinstance(container, Map) else None
        parent[path[-1]] = Invalid(container) if folded is None else folded
        if folded is not None:
            yield from _further(folded, node, path)


def _repair_key(error: Violation, data: Any, path: list[Any], container: Map) -> Iterator[Violation]:
    key, node = error.message, schema_of(error)
    if "x-names" in node:
        if path and node.get("maxProperties") == 1:
            parent = _walk(data, path[:-1])
            parent[path[-1]] = Invalid(container)
        else:
            container.drop(key)
        return
    # `extends` is done with by now: reading a key as it would come too late.
    known = [name for name in free_options(node, container) if path or name != "extends"]
    value, meant = container[key], ""
    if not part_of_data(key, path):
        meant = option_fitting(key, value, known, node, describe_error)
    holds_sections = not path and isinstance(value, Map) and any(name in node["properties"] for name in value)
    if torn := torn_apart(key, value, known):
        container.rename(key, torn[0])
        container[torn[0]] = Invalid()
        return
    if not meant or holds_sections:
        # At the top a container may have been meant for any section; a plain value for none that matters.
        container.tainted = bool(path) or container.tainted or isinstance(value, Map | Seq)
        container.drop(key)
        return
    container.rename(key, meant)
    if mended(meant, value, node, Context((*path, meant)), describe_error):
        container[meant] = Invalid(value)  # said with the key
    yield from _further(container[meant], resolve(node["properties"][meant]), [*path, meant])


def _axes(data: Any, path: list[Any]) -> int:
    """How many axes images or sequences have at `path`, as far as the layers around it and the inputs tell."""
    around: list[Any] = []
    node, inputs = data, data.get("inputs") if isinstance(data, dict) else None
    for key in path:
        if isinstance(node, list) and isinstance(key, int):
            around = [*reversed(node[:key]), *around, *node[key + 1 :]]
        node = node[key] if isinstance(node, list) or key in node else None
        if isinstance(node, dict) and "layers" in node:
            inputs = node.get("inputs", inputs)
        if node is None:
            break
    return wanted_axes(around, inputs)


def _further(value: Any, node: JSON, path: list[Any]) -> Iterator[Violation]:
    for error in iterate_errors(value, node):
        error.path.extendleft(reversed(path))
        yield error


def _walk(data: Any, path: list[Any]) -> Any:
    for key in path:
        if isinstance(data, Invalid) or not isinstance(data, Map | Seq | dict | list):
            return Invalid()
        if isinstance(data, dict) and key not in data:
            return Invalid()
        data = data[key]
    return data
