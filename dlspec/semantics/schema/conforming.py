"""Data held against a schema; what describes and mends mistakes is loaded where there is one: see :mod:`.check`."""

from __future__ import annotations

from typing import Any

from dlspec.components.registry import JSON
from dlspec.core.errors import Diagnostic, Span
from dlspec.semantics.schema.context import Context
from dlspec.semantics.schema.deciding import is_valid


def check(data: Any, node: JSON, context: Context | None = None) -> list[Diagnostic]:
    """The mistakes of `data`, which are mended in place: see :func:`dlspec.semantics.schema.check.check`."""
    if is_valid(data, node):
        return []
    from dlspec.semantics.schema import check as mending

    return mending.check(data, node, context)


def check_value(value: Any, node: JSON, context: Context, span: Span | None) -> list[Diagnostic]:
    """The mistakes of one value: see :func:`dlspec.semantics.schema.check.check_value`."""
    if is_valid(value, node):
        return []
    from dlspec.semantics.schema import check as mending

    return mending.check_value(value, node, context, span)
