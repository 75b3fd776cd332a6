"""Holds the weights of models from files against their layers (E542), before TensorFlow loads."""

from __future__ import annotations

from dlspec.core.errors import Problem, Span
from dlspec.core.ir import SharedModel
from dlspec.core.tree import Map, span_of
from dlspec.core.weights import Origin
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def model_weights(state: Lowered) -> None:
    """Every layer of such a model finds its weights in the file."""
    for model in state.models.values():
        if model.origin is not None and model.origin.model == model.name:
            try:
                _check(model, model.origin)
            except Problem as problem:
                state.diagnostics.add(problem.at(_span(state.data["models"][model.name])))


def _span(written: Map) -> Span | None:
    """Where a declaration names the file with the weights."""
    application = written.get("application")
    if not isinstance(application, Map):
        return span_of(written, "file")
    arguments = next(iter(application.values()))
    return span_of(arguments, "weights") if isinstance(arguments, Map) else span_of(written, "application")


def _check(model: SharedModel, origin: Origin) -> None:
    from dlspec.backends.keras.archive import Unreadable
    from dlspec.backends.keras.weight_files import read_weights
    from dlspec.graph.starting import fit_of_model

    if not model.graph.parameters:
        return
    help = "name a `.keras` or `.h5` file that `model.save` wrote, or a finished run"
    if origin.orders:
        help = "save the same application with the same arguments by `model.save`, and name that file"
    try:
        fit = fit_of_model(model.graph, read_weights(origin.path), origin)
    except Unreadable as error:
        raise Problem("E542", f"`{origin.shown}` gives {model.name} no weights: {error}", help) from error
    if fit.left:
        message = f"`{origin.shown}` does not give all weights of {model.name}: {fit.describe(origin.shown)}"
        raise Problem("E542", message, help)
