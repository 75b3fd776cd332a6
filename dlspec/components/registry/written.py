"""The written forms of a component: ``name``, ``name: value`` or ``name: {options}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.components.registry.component import Component


def name_and_value(raw: Any) -> tuple[Any, Any]:
    """The name of a written component, and what follows it: options, one value, or None after a name alone."""
    return next(iter(raw.items())) if isinstance(raw, Mapping) else (raw, None)


def options_by_name(owner: type[Component], value: Any) -> Mapping[str, Any]:
    """The written options of a component: one value alone is that of its shorthand option."""
    if isinstance(value, Mapping):
        return value
    return {} if value is None else {owner.shorthand: value}
