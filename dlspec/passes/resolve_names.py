"""Finds ``$names`` without a definition, and parameters without a use."""

from __future__ import annotations

from dlspec.graph.lower.undefined import undefined_names
from dlspec.passes.state import Compilation, step


@step(requires=("data",), ensures=("undefined", "unused"))
def resolve_names(state: Compilation) -> None:
    """Reports each undefined name once."""
    assert state.data is not None
    state.undefined, state.unused = undefined_names(state.data, state.diagnostics)
