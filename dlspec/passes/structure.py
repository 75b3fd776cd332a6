"""Builds the structured program."""

from __future__ import annotations

from dlspec.graph.lower.parse import parse
from dlspec.passes.state import Resolved, Structured, step


@step(requires=Resolved, ensures=Structured)
def structure(state: Resolved) -> Structured:
    """Blocks, models and steps with their expressions still unevaluated."""
    return state.become(Structured, program=parse(state.data, state.diagnostics, state.catalogue))
