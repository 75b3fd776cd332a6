"""Expands the program into the flat graph, with the static type of every tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, SharedModel, shared_models
from dlspec.core.tree import span_of_key
from dlspec.graph.lower.counting import MAX_LAYERS, least_layers, too_many_layers
from dlspec.graph.lower.expand import Expander, iterate_models
from dlspec.graph.lower.program import Program
from dlspec.graph.lower.prune import saved_part
from dlspec.passes.state import Bound, Lowered, step


@step(requires=Bound, ensures=Lowered)
def expand_graph(state: Bound) -> Lowered | None:
    """The graph, and the shared models' graphs; None where an error hides them."""
    if state.given_inputs is None:
        return None
    if not state.data.get("layers", ()):
        if not state.data.tainted and not state.reading.alone:
            span = span_of_key(state.data, "layers" if "layers" in state.data else "inputs")
            state.add("E105", "the spec has no `layers`", span, "write `layers:` and below it `- dense: 10`")
        return None
    expander = Expander(state.program, state.environment, state.evaluator)
    try:
        _check_size(state.program, state.params.values)
        graph = expander.body(state.program.main).graph(state.given_inputs)
        shared = [model for model in iterate_models(expander) if isinstance(model, SharedModel)]
    except Problem as problem:  # a limit
        state.diagnostics.add(problem.at(span_of_key(state.data, "layers")))
        return None
    # Errors of the sections `data`, `train` and `tune` do not touch the graph.
    if any(item.code[:2] not in ("E5", "E6") for item in state.diagnostics.errors):
        return None
    if graph is None:  # a model from a file is hidden
        assert state.diagnostics.errors
        return None
    _check_averages(state, graph)
    return state.become(
        Lowered,
        graph=saved_part(graph),
        training_graph=graph,
        models={model.name: model for model in shared},
        dead=tuple(expander.dead),
    )


def _check_averages(state: Bound, graph: Graph) -> None:
    """E520 for a model whose origin is no part of what is trained: nothing would ever move it."""
    called = {model.name for model in shared_models(graph)}
    for model in shared_models(graph):
        if model.average_of and model.average_of not in called:
            message = f"{model.name} is an average of {model.average_of}, of which nothing is trained"
            span = span_of_key(state.data["models"][model.name], "average_of")
            state.add("E520", message, span, f"call {model.average_of} where something that is trained depends on it")


def _check_size(program: Program, values: Mapping[str, Any]) -> None:
    """Refuses what is known to be too large before time and memory are spent on writing it out."""
    for definition in (program.main, *program.models.values()):
        if least_layers(program, definition.body, values) > MAX_LAYERS:
            raise too_many_layers()
