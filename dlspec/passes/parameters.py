"""Evaluates the top-level parameters."""

from __future__ import annotations

from dlspec.core.tree import Map
from dlspec.graph.lower.params import TopLevel
from dlspec.passes.state import Bound, Structured, step


@step(requires=Structured, ensures=Bound)
def parameters(state: Structured) -> Bound:
    """Values and search spaces; unknown ones stay silent wherever they are used."""
    written = state.data.get("params")
    params = TopLevel(written if isinstance(written, Map) else Map(), state.undefined, state.diagnostics)
    return state.become(Bound, params=params)
