"""Builds the structured program."""

from __future__ import annotations

from dlspec.graph.lower.parse import parse
from dlspec.passes.state import Compilation, step


@step(requires=("data", "undefined"), ensures=("program",))
def structure(state: Compilation) -> None:
    """Blocks, models and steps with their expressions still unevaluated."""
    assert state.data is not None
    state.program = parse(state.data, state.diagnostics)
