"""Holds the file of `start_from` against the model (E516, W516), before TensorFlow loads."""

from __future__ import annotations

from dlspec.components.sections.training import StartFrom
from dlspec.core.errors import Problem
from dlspec.core.tree import Map, span_of
from dlspec.graph.starting import Fit, fitting, targets_of, unreadable
from dlspec.passes.state import Lowered, step


@step(requires=Lowered, sets=("start",))
def start(state: Lowered) -> None:
    """The file is there, holds weights, and gives some to the layers that are asked for."""
    chosen = state.method.start_from if state.method is not None else None
    if chosen is None:
        return
    section = state.data["train"]
    written = section.get("start_from")
    span = span_of(section, "start_from")
    try:
        state.start = _fit(state, chosen)
    except Problem as problem:
        option = problem.option if isinstance(written, Map) and problem.option in written else "file"
        state.diagnostics.add(problem.at(span_of(written, option) if isinstance(written, Map) else span))
        return
    if chosen.layers is None:
        _advise(state, state.start, chosen)


def _fit(state: Lowered, chosen: StartFrom) -> Fit:
    from dlspec.backends.keras.archive import Unreadable
    from dlspec.backends.keras.weight_files import read_weights
    from dlspec.data.sources.paths import weights_file

    path = weights_file(chosen.file, state.folder, allow_outside=state.allow_outside)
    try:
        file = read_weights(path)
    except Unreadable as error:
        raise unreadable(chosen.file, error) from error
    return fitting(targets_of(state.graph, state.training_graph), file, chosen, chosen.file)


def _advise(state: Lowered, fit: Fit, chosen: StartFrom) -> None:
    """Warns where more begins anew than is likely meant."""
    other = next((left for left in fit.left if left.same_name), None)
    name = chosen.file
    if other is not None:
        message = f"`{other.target.name}` has other shapes than in `{name}`, and begins anew: {other.reason}"
        help = "name in `layers` what is to start from the file, or give the layer a name of its own"
    elif 2 * fit.tensors < fit.total:
        message = f"most of the model begins anew: {fit.describe(name)}"
        help = "name in `layers` what is to start from the file"
    else:
        return
    section = state.data["train"]
    state.add("W516", message, span_of(section, "start_from"), help)
