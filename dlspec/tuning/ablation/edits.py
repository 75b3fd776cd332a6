"""Changes of a spec's data at paths: what goes, what takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Gone:
    """Stands for an item or a key that is no more."""


@dataclass(frozen=True)
class Spliced:
    """Stands for an item of a list in whose place others stand."""

    items: tuple[Any, ...]


GONE = Gone()


@dataclass
class Candidate:
    """One thing that a variant may lack.

    Attributes:
        name: Of the variant: ``dropout``, ``residual.skip``.
        aid: How it helps training (see :attr:`Component.aid`), or ``layer``, ``block``, ``skip``, ``branch``, ``turn``.
        edits: What stands at which path of the spec instead.
        refused: Why nothing takes its place; "" where something does.
    """

    name: str
    aid: str
    edits: dict[Path, Any] = field(default_factory=dict)
    refused: str = ""


def plain(value: Any) -> Any:
    """Data of a spec without the places where they stand."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def edited(data: Any, edits: Mapping[Path, Any]) -> Any:
    """A copy of plain data with all edits; one below another has no effect.

    Args:
        data: The data.
        edits: By path; a key that a mapping lacks is added to it.
    """
    added: dict[Path, dict[str, Any]] = {}
    for path, value in edits.items():
        if isinstance(path[-1], str):
            added.setdefault(path[:-1], {})[path[-1]] = value
    return _edited(data, edits, added, ())


def _edited(value: Any, edits: Mapping[Path, Any], added: Mapping[Path, Mapping[str, Any]], path: Path) -> Any:
    if path in edits:
        return edits[path]
    if isinstance(value, dict):
        made = {key: _edited(item, edits, added, (*path, key)) for key, item in value.items()}
        new = {key: item for key, item in added.get(path, {}).items() if key not in made}
        return {key: item for key, item in {**made, **new}.items() if item is not GONE}
    if isinstance(value, list):
        items = [_edited(item, edits, added, (*path, index)) for index, item in enumerate(value)]
        each = (item.items if isinstance(item, Spliced) else (item,) for item in items if item is not GONE)
        return [item for part in each for item in part]
    return value
