"""Holds the weights of models from files against their layers (E542), before TensorFlow loads."""

from __future__ import annotations

from dlspec.core.errors import Problem
from dlspec.core.ir import SharedModel
from dlspec.core.tree import span_of
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
                state.diagnostics.add(problem.at(span_of(state.data["models"][model.name], "file")))


def _check(model: SharedModel, origin: Origin) -> None:
    from dlspec.backends.keras.archive import Unreadable
    from dlspec.backends.keras.weight_files import read_weights
    from dlspec.graph.starting import fit_of_model

    if not model.graph.parameters:
        return
    help = "name a `.keras` or `.h5` file that `model.save` wrote, or a finished run"
    try:
        fit = fit_of_model(model.graph, read_weights(origin.path), origin.layers)
    except Unreadable as error:
        raise Problem("E542", f"`{origin.shown}` gives {model.name} no weights: {error}", help) from error
    if fit.left:
        message = f"`{origin.shown}` does not give all weights of {model.name}: {fit.describe(origin.shown)}"
        raise Problem("E542", message, help)
