"""Layers of a model by name, block or pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_SPECIAL = re.compile(r"[*?\[]")


def matching(patterns: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """The `names` that each pattern means: itself, all inside of the block of that name, or what a `*` stands for."""
    known = list(names)
    inside: dict[str, list[str]] = {}
    for name in known:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            inside.setdefault(".".join(parts[:depth]), []).append(name)
    return {
        pattern: [name for name in known if _matches(pattern, name)]
        if _SPECIAL.search(pattern)
        else inside.get(pattern, [])
        for pattern in patterns
    }


def _matches(pattern: str, name: str) -> bool:
    return name == pattern or name.startswith(f"{pattern}.") or fnmatchcase(name, pattern)
