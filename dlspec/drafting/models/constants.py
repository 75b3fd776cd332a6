"""Long values that stand in many items become parameters of the spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlspec.drafting.models.groups import Item
from dlspec.syntax.dumping import inline

# A value is written once where it stands at least so often, and takes at least so many characters.
_OFTEN, _LONG = 3, 24


def share_constants(lists: list[list[Item]], taken: set[str]) -> dict[str, Any]:
    """Puts parameters in place of values with options of their own that occur again and again.

    Args:
        lists: All lists of items; they are changed.
        taken: Names of parameters of blocks, which would hide those of the spec.

    Returns:
        The parameters of the spec.
    """
    places: dict[str, list[tuple[Item, str]]] = {}
    for item in (item for items in lists for item in _all(items)):
        for option, value in item.options.items():
            if isinstance(value, dict) and len(text := inline(value)) >= _LONG:
                places.setdefault(text, []).append((item, option))
    params: dict[str, Any] = {}
    for users in places.values():
        if len(users) >= _OFTEN:
            item, option = users[0]
            base = option.rpartition("_")[2]
            name, number = base, 2
            while name in params or name in taken:
                name, number = f"{base}_{number}", number + 1
            params[name] = item.options[option]
            for user, own_option in users:
                user.options[own_option] = f"${name}"
    return params


def _all(items: list[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        for branch in item.branches:
            yield from _all(branch)
