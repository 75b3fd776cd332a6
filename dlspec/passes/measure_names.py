"""Holds the names of tensors against those of other measures (E104): two of one name could not be told apart."""

from __future__ import annotations

from dlspec.components.methods.learning import not_of_tensors
from dlspec.passes.state import Lowered, step

# What else `metrics.csv` has a column for.
_COLUMNS = {"epoch": "the number of the epoch"}


@step(requires=Lowered)
def measure_names(state: Lowered) -> None:
    """One error for each tensor that is measured under a name that something else has."""
    method, graph = state.method, state.training_graph
    stages = [stage for stage in method.stages.values() if stage.turns] if method is not None else []
    if not stages:
        return
    outputs = [name for name, _ in state.graph.outputs]
    measures = {name for stage in stages for name in stage.measures(outputs)}
    taken = dict(_COLUMNS)
    for stage in stages:
        taken |= not_of_tensors(stage, outputs)
    taken |= {f"val_{name}": f"`{name}` on the validation split" for name in measures}
    for name, edge in graph.roots:
        if name in measures and name in taken:
            text = f"`{name}` cannot be measured: this is the name of {taken[name]}"
            state.add("E104", text, graph.nodes[edge.node].span, "give the tensor another name")
