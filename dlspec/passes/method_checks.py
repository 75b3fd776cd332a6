"""Asks the way of training what is wrong with it for this model."""

from __future__ import annotations

from dlspec.core.tree import span_at
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def method_checks(state: Lowered) -> None:
    """Every mistake that the method finds by itself, at its place in `train`."""
    if state.method is None:
        return
    shared = {name: model.graph for name, model in state.models.items()}
    for problem, path, on_key in state.method.mistakes(state.training_graph, shared):
        state.diagnostics.add(problem.at(span_at(state.data, path, on_key)))
