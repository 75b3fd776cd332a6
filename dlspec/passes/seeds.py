"""Warns of a fixed seed in what is made several times: every copy would draw the same numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def seeds(state: Lowered) -> None:
    """One warning for each line with a seed that a repeat or several calls of a block write out more than once."""
    for graph in state.graphs:
        own = [
            (node, _seeds(node.layer)) for node in graph.nodes if isinstance(node.layer, Layer) and node.shared is None
        ]
        copies = Counter((node.span, seed) for node, values in own for seed in values)
        for node, values in own:
            count = max((copies[node.span, seed] for seed in values), default=0)
            if count > 1:
                text = f"{count} copies of this {node.kind} get the same `seed`"
                state.add("W302", text, node.span, "leave `seed` out, or make it depend on `$index`")


def _seeds(value: Any) -> set[int]:
    """The seeds given to a component and to those inside it."""
    if isinstance(value, tuple):
        return set().union(*(_seeds(item) for item in value))
    if not isinstance(value, Component):
        return set()
    nested = [_seeds(item) for item in value.given.values() if isinstance(item, Component | tuple)]
    seed = value.given.get("seed")
    return set().union(*nested, () if seed is None else (seed,))
