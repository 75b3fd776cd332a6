"""Layers of a model by name, block or pattern."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matching(patterns: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """The `names` that each pattern means: itself, all inside of the block of that name, or what a `*` stands for."""
    known = list(names)
    return {pattern: [name for name in known if _matches(pattern, name)] for pattern in patterns}


def _matches(pattern: str, name: str) -> bool:
    return name == pattern or name.startswith(f"{pattern}.") or fnmatchcase(name, pattern)
