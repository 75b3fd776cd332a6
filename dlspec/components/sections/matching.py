"""Layers of a model by name, block or pattern."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate

from dlspec.core.ir import Graph

_SPECIAL = re.compile(r"[*?\[]")


def matching(patterns: Iterable[str], names: Iterable[str]) -> dict[str, list[str]]:
    """The `names` that each pattern means: itself, all inside of the block of that name, or what a `*` stands for."""
    known = list(names)
    inside: dict[str, list[str]] = {}
    for name in known:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            inside.setdefault(".".join(parts[:depth]), []).append(name)
    search = _Search(known)
    return {
        pattern: search.find(pattern) if _SPECIAL.search(pattern) else inside.get(pattern, []) for pattern in patterns
    }


def layers_meant(patterns: Iterable[str], names: Mapping[str, str]) -> dict[str, list[str]]:
    """The layers that each pattern means, each once; `names` as :func:`layer_names` gives them."""
    return {
        pattern: list(dict.fromkeys(names[match] for match in matches))
        for pattern, matches in matching(patterns, names).items()
    }


def layer_names(graph: Graph) -> dict[str, str]:
    """Every name by which a spec may mean a layer or model of a graph, with the one that it has in Keras.

    A layer may be named by any of its outputs, a model by its own name or by one of a call.
    """
    names: dict[str, str] = {}
    for node in graph.nodes:
        if node.layer is None:
            continue
        names |= dict.fromkeys((node.owner, node.name, *node.names), node.owner)
    return names


class _Search:
    """Names in order, forwards and backwards: a pattern is held only against those that begin or end as it does."""

    def __init__(self, names: Sequence[str]) -> None:
        self._places = {name: index for index, name in enumerate(names)}
        self._forwards = sorted(self._places)
        self._backwards = sorted(name[::-1] for name in self._places)

    def find(self, pattern: str) -> list[str]:
        """The names that a pattern with `*`, `?` or `[…]` stands for, in their order."""
        first = _beginning(self._forwards, _SPECIAL.split(pattern)[0])
        last = _beginning(self._backwards, re.split(r"[*?\]]", pattern)[-1][::-1])
        if len(first) <= len(last):
            some = self._forwards[first.start : first.stop]
        else:
            some = [name[::-1] for name in self._backwards[last.start : last.stop]]
        return sorted(filter(re.compile(translate(pattern)).match, some), key=self._places.__getitem__)


def _beginning(ordered: Sequence[str], start: str) -> range:
    """The places of the names that begin like this."""
    return range(bisect_left(ordered, start), bisect_right(ordered, start + "\U0010ffff"))
