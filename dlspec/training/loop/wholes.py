"""Whole trained models, of which the saved one is only a part: built again from the spec, with their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dlspec.backends.keras.build import build, saved_part
from dlspec.backends.keras.internals import calls_of
from dlspec.backends.keras.structure import like_inputs
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.sources.paths import RUN_WEIGHTS
from dlspec.graph.lower import prune
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Lowered
from dlspec.training.loop.preparation import inner_name
from dlspec.training.run.reasons import reason
from dlspec.views.pages.index import MODEL_FILE, MODELS_FOLDER, SPEC_FILE, Run

# The weights of all that is trained, where the saved model has fewer.
WEIGHTS_FILE = RUN_WEIGHTS


def has_more(model: Any, whole: Any) -> bool:
    """Whether what is trained has weights that the saved model lacks."""
    return len(whole.weights) > len(model.weights)


def save_weights(whole: Any, path: Path) -> None:
    """Writes all weights to a file of any name; Keras itself wants a certain ending."""
    written = path.with_name(f"{path.stem}.weights.h5")
    try:
        whole.save_weights(written)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def core_of(saved: Any) -> Any:
    """The model proper in a saved model, behind its preparation; `saved` itself where it has none."""
    import keras

    inner = (layer for layer in saved.layers if isinstance(layer, keras.Model))
    names = (saved.name, inner_name(saved.name))
    return next((layer for layer in inner if layer.name in names), saved)


def preparing(saved: Any) -> Callable[[Mapping[str, Any]], Any]:
    """A function from a batch of raw inputs, by name, to what enters the model proper in a saved model."""
    import keras

    core = core_of(saved)
    if core is saved:
        return lambda inputs: inputs
    entering = calls_of(core)[-1].input_tensors
    names = [tensor.name for tensor in core.inputs]
    before = keras.Model(saved.input, dict(zip(names, entering, strict=True)))
    return lambda inputs: before(like_inputs(saved, inputs), training=False)


def rows_of(saved: Any, names: Sequence[str]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function from a batch of raw inputs to the whole prepared rows of some of them, by name.

    What enters the model proper lacks their last steps.
    """
    import keras

    from dlspec.standalone.writing import rows_before

    core = core_of(saved)
    entering = dict(zip((tensor.name for tensor in core.inputs), calls_of(core)[-1].input_tensors, strict=True))
    rows = {name: rows_before(entering[name]) for name in names}
    before = keras.Model(saved.input, rows)

    def whole(inputs: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = before(like_inputs(saved, inputs), training=False)
        return made

    return whole


def with_weights(whole: Any, graph: Graph, folder: Path, saved: Callable[[], Any]) -> Any:
    """The whole model that a run trained, with the weights that it kept.

    Args:
        whole: As it is built from its spec.
        graph: What it was built from.
        folder: The run folder.
        saved: Gives the saved model proper, behind its preparation.

    Raises:
        Problem: E522, the weights are not there, not those of this graph, or of another epoch than the saved model.
    """
    part = saved_part(whole, prune.saved_part(graph))
    path = folder / (WEIGHTS_FILE if has_more(part, whole) else MODEL_FILE)
    try:
        whole.load_weights(path) if path.name == WEIGHTS_FILE else part.set_weights(saved().get_weights())
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"`{path}` does not hold the weights of this training: {reason(error)}"
        raise Problem("E522", message, "train again") from error
    if path.name == WEIGHTS_FILE and not _alike(part, saved()):
        message = f"`{path}` and `{MODEL_FILE}` are of different epochs: the training was killed while it saved them"
        raise Problem("E522", message, "the same `dlspec train` goes on, and writes both anew")
    return whole


def _alike(part: Any, saved: Any) -> bool:
    """Whether two models have the same weights, bit by bit."""
    pairs = zip(part.get_weights(), saved.get_weights(), strict=True)
    return all(kept.tobytes() == other.tobytes() for kept, other in pairs)


def whole_of(folder: Path) -> Any:
    """The whole model that the run in a folder trained, with its weights.

    Raises:
        Problem: E522, its spec or its weights cannot be used any more.
    """
    import keras

    run = Run(folder)
    state = compile_spec(
        folder / SPEC_FILE, (), Workspace(run.spec_folder or folder, models=folder / MODELS_FOLDER), until=Lowered
    )
    if not isinstance(state, Lowered):
        first = next((item.message for item in state.diagnostics.errors), "it has no layers")
        raise Problem("E522", f"the spec of run `{run.id}` cannot be used any more: {first}")
    graph = state.training_graph

    def saved() -> Any:
        return core_of(keras.saving.load_model(folder / MODEL_FILE, compile=False))

    return with_weights(build(graph), graph, folder, saved)
