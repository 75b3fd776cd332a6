"""Types of parameters, from the values that they had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_ORDER = ("bool", "int", "float", "str")


def annotation(values: Iterable[Any]) -> str:
    """Type annotation that fits all `values`: ``int``, ``float | None``, ``tuple[int, ...]``."""
    kinds = {_kind(value) for value in values}
    if "float" in kinds:
        kinds.discard("int")
    if not kinds:
        return "object"
    plain = sorted(
        (kind for kind in kinds if kind != "None"), key=lambda kind: (_ORDER.index(kind) if kind in _ORDER else 9, kind)
    )
    return " | ".join([*plain, *(["None"] if "None" in kinds else [])])


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, list | tuple):
        return f"tuple[{annotation(value) if value else 'int'}, ...]"
    return type(value).__name__
