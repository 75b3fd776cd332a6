"""Holds the model against the section ``expect``."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import did_you_mean
from dlspec.core.ir import Shape, show_shape
from dlspec.core.tree import Invalid, Map, span_of, span_of_key
from dlspec.passes.state import Lowered, step

# What a map of `parameters` calls the model that is saved.
_SAVED = "model"


@step(requires=Lowered)
def expectations(state: Lowered) -> None:
    """Compares the number of parameters and the output shapes."""
    expect = state.data.get("expect")
    if not isinstance(expect, Map):
        return
    wanted = expect.get("parameters")
    if isinstance(wanted, Map):
        for name, count in wanted.items():
            _count(state, count, name, wanted, name)
    else:
        _count(state, wanted, _SAVED, expect, "parameters")
    shapes = {name: state.graph.tensor(edge).shape for name, edge in state.graph.outputs}
    output = expect.get("output")
    if isinstance(output, Map):
        for name, shape in output.items():
            if name not in shapes:
                text = f"the model has no output `{name}`"
                state.add("E413", text, span_of_key(output, name), did_you_mean(name, shapes))
            else:
                _compare(state, shape, shapes[name], output, name)
    elif isinstance(output, list):
        if len(shapes) > 1:
            names = ", ".join(shapes)
            state.add("E413", f"the model has {len(shapes)} outputs", span_of(expect, "output"), f"give a map: {names}")
        else:
            _compare(state, output, next(iter(shapes.values())), expect, "output")


def _count(state: Lowered, wanted: Any, part: str, container: Map, key: str) -> None:
    """Compares the parameters of one part with what is expected."""
    if not isinstance(wanted, int):
        return
    count = _parameters(state, part)
    if count is None:
        known = (_SAVED, *state.models, *dict.fromkeys(node.name for node in state.training_graph.nodes if node.layer))
        text = f"the model has no part `{part}`"
        state.add("E413", text, span_of_key(container, key), did_you_mean(part, known))
    elif count != wanted:
        what = "the model" if part == _SAVED else f"`{part}`"
        text = f"expected {wanted:,} parameters, but {what} has {count:,}"
        state.add("E413", text, span_of(container, key), "`dlspec show` lists them layer by layer")


def _parameters(state: Lowered, part: str) -> int | None:
    """Parameters of the saved model, a shared model, or layers of that name; None where there is no such part."""
    if part == _SAVED:
        return state.graph.parameters
    if part in state.models:
        return sum(weight.size for weight in state.models[part].weights)
    nodes = [node for node in state.training_graph.nodes if f"{node.name}.".startswith(f"{part}.")]
    return sum(node.parameters for node in nodes) if nodes else None


def _compare(state: Lowered, wanted: Any, shape: Shape, container: Map, key: str) -> None:
    if not isinstance(wanted, Invalid) and tuple(wanted) != shape:
        text = f"expected output shape {show_shape(tuple(wanted))}, but it is {show_shape(shape)}"
        state.add("E413", text, span_of(container, key), "`dlspec show` lists the shapes layer by layer")
