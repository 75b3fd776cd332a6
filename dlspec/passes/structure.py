"""Builds the structured program."""

from __future__ import annotations

from dlspec.core.tree import Map
from dlspec.graph.lower.parse import parse
from dlspec.passes.state import Resolved, Structured, step


@step(requires=Resolved, ensures=Structured)
def structure(state: Resolved) -> Structured:
    """Blocks, models and steps with their expressions still unevaluated."""
    program = parse(_with_saved_models(state), state.diagnostics, state.catalogue)
    for name, saved in state.saved_models.items():
        if name in program.models:
            definition = program.models[name]
            definition.origin, definition.frozen, definition.application = saved.origin, saved.frozen, saved.application
    return state.become(Structured, program=program)


def _with_saved_models(state: Resolved) -> Map:
    """The spec with the layers of models from files written out; what it says itself stays as it is."""
    if not state.saved_models:
        return state.data
    data, models = _copy(state.data), _copy(state.data["models"])
    for name, saved in state.saved_models.items():
        models[name] = saved.declaration
    data["models"] = models
    return data


def _copy(written: Map) -> Map:
    copy = Map(written.span)
    copy |= written
    copy.tainted, copy.doubled = written.tainted, written.doubled
    copy.key_spans, copy.value_spans = written.key_spans, written.value_spans
    return copy
