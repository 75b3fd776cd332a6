"""Evaluates the top-level parameters."""

from __future__ import annotations

from dlspec.core.tree import Map
from dlspec.graph.lower.params import TopLevel
from dlspec.passes.state import Compilation, step


@step(requires=("data", "program", "undefined"), ensures=("params",))
def parameters(state: Compilation) -> None:
    """Values and search spaces; unknown ones stay silent wherever they are used."""
    assert state.data is not None and state.undefined is not None
    written = state.data.get("params")
    state.params = TopLevel(written if isinstance(written, Map) else Map(), state.undefined, state.diagnostics)
