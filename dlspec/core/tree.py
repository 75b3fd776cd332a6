"""Plain data that know where they stand: what the loader makes, and every later stage reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.core.errors import Span


class Map(dict[str, Any]):
    """A YAML mapping that knows where each key and value stands.

    Attributes:
        tainted: A key was removed because nobody knows what it means; whatever depends on this mapping is uncertain.
        doubled: A key was given twice, and its second value is not here.
    """

    __slots__ = ("doubled", "key_spans", "span", "tainted", "value_spans")

    def __init__(self, span: Span | None = None) -> None:
        super().__init__()
        self.span = span
        self.tainted = False
        self.doubled = False
        self.key_spans: dict[str, Span] = {}
        self.value_spans: dict[str, Span] = {}

    def put(self, key: str, value: Any, key_span: Span | None, value_span: Span | None) -> None:
        """Sets `key` together with both spans."""
        self[key] = value
        if key_span is not None:
            self.key_spans[key] = key_span
        if value_span is not None:
            self.value_spans[key] = value_span

    def drop(self, key: str) -> None:
        """Removes `key` and its spans."""
        del self[key]
        self.key_spans.pop(key, None)
        self.value_spans.pop(key, None)

    def rename(self, old: str, new: str) -> None:
        """Gives the entry `old` the key `new`, spans kept; its place in the order becomes the last."""
        key_span, value_span, value = self.key_spans.get(old), self.value_spans.get(old), self[old]
        self.drop(old)
        self.put(new, value, key_span, value_span)


class Seq(list[Any]):
    """A YAML sequence that knows where each item stands."""

    __slots__ = ("item_spans", "span")

    def __init__(self, span: Span | None = None) -> None:
        super().__init__()
        self.span = span
        self.item_spans: list[Span] = []


@dataclass(frozen=True, slots=True)
class Invalid:
    """Stands where a value was that is already reported as wrong; `value` is what was written."""

    value: Any = None


def span_of(container: Any, key: str | int | None = None) -> Span | None:
    """The span of ``container[key]``, or of the container itself; None for data that did not come from a file."""
    if isinstance(container, Map):
        if isinstance(key, str) and key in container.value_spans:
            return container.value_spans[key]
        return container.span
    if isinstance(container, Seq):
        if isinstance(key, int) and key < len(container.item_spans):
            return container.item_spans[key]
        return container.span
    return None


def span_of_key(container: Any, key: str) -> Span | None:
    """The span of a mapping's key itself, or what :func:`span_of` gives."""
    if isinstance(container, Map) and key in container.key_spans:
        return container.key_spans[key]
    return span_of(container, key)


def span_at(raw: Any, path: Sequence[str | int], on_key: bool = False) -> Span | None:
    """The span at `path`, or of the innermost thing on the way there that has one.

    Args:
        raw: What a spec wrote, or a mapping of it.
        path: Keys and positions from there.
        on_key: Whether the last key itself is meant rather than its value.
    """
    span: Span | None = None
    for depth, key in enumerate(path, 1):
        if not (key in raw if isinstance(raw, dict) else isinstance(raw, list) and _inside(raw, key)):
            break
        named = on_key and depth == len(path)
        span = (span_of_key(raw, str(key)) if named else span_of(raw, key)) or span
        raw = raw[key]
    return span


def _inside(items: list[Any], key: str | int) -> bool:
    return isinstance(key, int) and key < len(items)


def is_empty(container: Map, key: str) -> bool:
    """Whether a key was written without a value (``{filters}``), which differs from an explicit ``null``."""
    span = container.value_spans.get(key)
    return container[key] is None and span is not None and span[1:3] == span[3:5]


def describe(value: Any) -> str:
    """A value as messages name it: ``a mapping``, ``a list``, ``text `yes` ``, ``the number 3``."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number {plain_number(value)}"
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:37] + "…"
        return f"text `{short}`" if short else "empty text"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"a {type(value).__name__}"


def plain_number(value: float) -> str:
    """A number as YAML writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": ".inf", "-inf": "-.inf"}.get(repr(value), ".nan")
    return repr(value)
