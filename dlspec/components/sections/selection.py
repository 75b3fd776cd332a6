"""Columns that are chosen by a pattern of their names, or by their type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from dlspec.components.registry import Field

_TEXTS = {"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1, "minItems": 1}
NUMBER, TEXT = "number", "text"


class Selection(NamedTuple):
    """Which columns of a source are meant, before the source is known.

    Attributes:
        patterns: Names, in which ``*`` stands for anything.
        kind: ``number`` or ``text``; "" for both.
        excluded: Names and patterns of what is not meant.
    """

    patterns: tuple[str, ...] = ("*",)
    kind: str = ""
    excluded: tuple[str, ...] = ()

    def of(self, columns: Iterable[tuple[str, bool]]) -> tuple[str, ...]:
        """The names of those that are meant.

        Args:
            columns: Names in their order, each with whether the column holds text.
        """
        return tuple(
            name
            for name, text in columns
            if _fits(name, self.patterns) and not _fits(name, self.excluded) and self._is_kind(text)
        )

    def without_effect(self, names: Iterable[str]) -> str:
        """A name or pattern that none of `names` fits; "" where each fits some."""
        known = list(names)
        written = (*self.patterns, *self.excluded)
        return next((pattern for pattern in written if not any(_fits(name, (pattern,)) for name in known)), "")

    def _is_kind(self, text: bool) -> bool:
        return not self.kind or text == (self.kind == TEXT)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name, re.DOTALL) for pattern in patterns)


def selected_columns(doc: str) -> Field[Any]:
    """Names or patterns of columns, or a map that says which; on instances names, or a :class:`Selection`."""
    properties = {"type": {"enum": [NUMBER, TEXT]}, "except": _TEXTS}
    schema = {**_TEXTS, "type": ["string", "array", "object"], "properties": properties}
    schema |= {"additionalProperties": False, "minProperties": 1}
    return Field(schema, default=None, doc=doc, textual=True, convert=lambda value, _: _converted(value))


def _converted(value: Any) -> tuple[str, ...] | Selection:
    if isinstance(value, dict):
        return Selection(kind=value.get("type", ""), excluded=_listed(value.get("except", ())))
    names = _listed(value)
    return Selection(names) if any("*" in name for name in names) else names


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
