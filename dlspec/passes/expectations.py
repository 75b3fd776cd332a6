"""Holds the model against the section ``expect``."""

from __future__ import annotations

from typing import Any

from dlspec.core.errors import did_you_mean
from dlspec.core.ir import Shape, show_shape
from dlspec.core.tree import Invalid, Map, key_place, place
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def expectations(state: Lowered) -> None:
    """Compares the number of parameters and the output shapes."""
    expect = state.data.get("expect")
    if not isinstance(expect, Map):
        return
    wanted = expect.get("parameters")
    if isinstance(wanted, int) and wanted != state.graph.parameters:
        text = f"expected {wanted:,} parameters, but the model has {state.graph.parameters:,}"
        state.add("E413", text, place(expect, "parameters"), "`dlspec show` lists them layer by layer")
    shapes = {name: state.graph.tensor(edge).shape for name, edge in state.graph.outputs}
    output = expect.get("output")
    if isinstance(output, Map):
        for name, shape in output.items():
            if name not in shapes:
                text = f"the model has no output `{name}`"
                state.add("E413", text, key_place(output, name), did_you_mean(name, shapes))
            else:
                _compare(state, shape, shapes[name], output, name)
    elif isinstance(output, list):
        if len(shapes) > 1:
            names = ", ".join(shapes)
            state.add("E413", f"the model has {len(shapes)} outputs", place(expect, "output"), f"give a map: {names}")
        else:
            _compare(state, output, next(iter(shapes.values())), expect, "output")


def _compare(state: Lowered, wanted: Any, shape: Shape, container: Map, key: str) -> None:
    if not isinstance(wanted, Invalid) and tuple(wanted) != shape:
        text = f"expected output shape {show_shape(tuple(wanted))}, but it is {show_shape(shape)}"
        state.add("E413", text, place(container, key), "`dlspec show` lists the shapes layer by layer")
