"""Values that YAML tears apart at their commas in flow mappings. One mistake, one error.

Python tuples (``{shape: (28, 28, 1)}``) and decimal commas (``{rate: 0,5}``) become a value and further keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dlspec.components.registry import JSON
from dlspec.core.errors import Diagnostic
from dlspec.core.tree import Invalid, Map, plain_number, span_of, span_of_key
from dlspec.semantics.schema.context import Context
from dlspec.semantics.schema.validate import iterate_errors
from dlspec.syntax.dumping import flow

_CODES = {"structure": "E102", "layer": "E204", "train": "E504", "data": "E614"}
_DIGITS = re.compile(r"[0-9]+(?:[eE][-+]?[0-9]+)?\Z")


def mend_torn(data: Any, root: Any, node: JSON, path: tuple[str | int, ...] = ()) -> Iterator[Diagnostic]:
    """Reports each torn value; what is left of it is replaced or removed.

    Args:
        data: What is looked through.
        root: The whole, of which it is a part.
        node: The schema of the whole.
        path: Where `data` stands in it.
    """
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from mend_torn(item, root, node, (*path, index))
    if not isinstance(data, Map):
        return
    for key, value in list(data.items()):
        if key not in data:
            continue
        rest = _rest_of_tuple(data, key) if isinstance(value, str) and value.startswith("(") else []
        digits = _rest_of_number(data, key) if type(value) in (int, float) else []
        if rest:
            items = ", ".join([value, *rest]).rstrip(")").rstrip(", ")
            yield _torn(data, key, rest, f"{', '.join([value, *rest])}", f"write `[{items[1:]}]`", path)
        elif digits:
            written = ",".join([plain_number(value), *digits])
            yield _torn(data, key, digits, written, _meant(data, key, digits, root, node), path)
        else:
            yield from mend_torn(value, root, node, (*path, key))


def _torn(data: Map, key: str, rest: list[str], written: str, help: str, path: tuple[str | int, ...]) -> Diagnostic:
    context = Context((*path, key))
    what = "a list" if written.startswith("(") else "one value"
    span, last = span_of(data, key), span_of_key(data, rest[-1])
    if span is not None and last is not None and span.line == last.end_line:
        span = span._replace(end_column=last.end_column)
    data[key] = Invalid(written)
    for name in rest:
        data.drop(name)
    return Diagnostic(_CODES[context.family], f"{context.option} must be {what}, got text `{written}`", span, help)


def _rest_of_tuple(data: Map, key: str) -> list[str]:
    """The keys after `key` that are the end of its tuple; none where it is not torn."""
    keys = list(data)
    after = keys[keys.index(key) + 1 :]
    end = next((number for number, name in enumerate(after, 1) if name.endswith(")")), 0)
    return after[:end] if all(data[name] is None for name in after[:end]) else []


def _rest_of_number(data: Map, key: str) -> list[str]:
    """The keys after `key` that are digits without a value: what stood behind the commas of a number."""
    keys = list(data)
    rest: list[str] = []
    for name in keys[keys.index(key) + 1 :]:
        if data[name] is not None or not _DIGITS.match(name):
            break
        rest.append(name)
    return rest


def _meant(data: Map, key: str, digits: list[str], root: Any, node: JSON) -> str:
    """Help with the values that the digits may mean: a decimal number, one with thousands, or a list."""
    before, rest = data[key], {name: data[name] for name in digits}
    for name in digits:
        del data[name]
    fitting = []
    for text, value in _readings(before, digits):
        data[key] = value
        wrong = [error for error in iterate_errors(root, node) if _walk(root, list(error.path)) is value]
        if not wrong:
            fitting.append(f"`{text}`")
    data[key] = before
    data.update(rest)
    return "write " + " or ".join(fitting) if fitting else "write one number, with a point in place of a comma"


def _readings(first: Any, digits: list[str]) -> Iterator[tuple[str, Any]]:
    if len(digits) == 1 and isinstance(first, int):
        text = f"{first}.{digits[0]}"
        yield text, float(text)
    if isinstance(first, int) and first and all(len(part) == 3 and part.isdecimal() for part in digits):
        text = f"{first}{''.join(digits)}"
        yield text, int(text)
    if all(part.isdecimal() for part in digits):
        items = [first, *(int(part) for part in digits)]
        yield flow(items), items


def _walk(data: Any, path: list[Any]) -> Any:
    for key in path:
        data = data[key]
    return data
