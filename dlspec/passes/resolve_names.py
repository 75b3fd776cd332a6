"""Finds ``$names`` without a definition, and parameters without a use."""

from __future__ import annotations

from dlspec.graph.lower.undefined import undefined_names
from dlspec.passes.state import Extended, Resolved, step


@step(requires=Extended, ensures=Resolved)
def resolve_names(state: Extended) -> Resolved:
    """Reports each undefined name once."""
    undefined, unused = undefined_names(state.data, state.diagnostics)
    return state.become(Resolved, undefined=undefined, unused=unused)
