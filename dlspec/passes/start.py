"""Holds the file of `start_from` against the model (E516), before TensorFlow loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, SharedModel
from dlspec.core.tree import span_of
from dlspec.passes.state import Lowered, step

if TYPE_CHECKING:
    from dlspec.backends.keras.archive import Saved

# What Keras reads as well, and what is not looked into before it does.
_OTHER = (".h5", ".hdf5")

# What a run folder holds; the last only where more was trained than is saved.
_SPEC, _MODEL, _MORE = "spec.yaml", "model.keras", "training.weights.h5"


@step(requires=Lowered)
def start(state: Lowered) -> None:
    """The file is there, is a Keras model, and one of its layers has the name and shapes of one of this model."""
    if state.method is None or state.method.start_from is None:
        return
    from dlspec.data.sources.paths import start_of

    shown, span = state.method.start_from, span_of(state.data["train"], "start_from")
    try:
        path = start_of(shown, state.folder, allow_outside=state.allow_outside)
        if path.is_dir():
            _check_run(path, shown, state.training_graph)
        elif path.suffix.lower() not in _OTHER:
            _check(path, shown, state.training_graph)
    except Problem as problem:
        state.diagnostics.add(problem.at(span))


def _check_run(folder: Path, shown: str, graph: Graph) -> None:
    """A run folder has a model; where training had more than that, Keras alone reads all of it."""
    lacking = next((name for name in (_SPEC, _MODEL) if not (folder / name).is_file()), None)
    if lacking is not None:
        raise Problem("E516", f"`{shown}` is no run with a model: it holds no `{lacking}`", "name the folder of a run")
    if not (folder / _MORE).exists():
        _check(folder / _MODEL, shown, graph)


def _check(path: Path, shown: str, graph: Graph) -> None:
    from dlspec.backends.keras.archive import Unreadable, read_layers

    try:
        saved = read_layers(path)
    except Unreadable as error:
        message = f"`{shown}` cannot be read as a Keras model: {error}"
        raise Problem("E516", message, "it takes a `.keras` file") from error
    if saved and not any(isinstance(node.layer, SharedModel) for node in graph.nodes) and not _fits(saved, graph):
        names = ", ".join(f"`{layer.name}`" for layer in saved[:5])
        message = f"no layer of `{shown}` has the name and shapes of one of this model"
        raise Problem("E516", message, f"its layers are {names}" + (", …" if len(saved) > 5 else ""))


def _fits(saved: list[Saved], graph: Graph) -> bool:
    """Whether a layer may take the weights of one of the same name; their order is not known here."""
    from dlspec.backends.keras.archive import Saved

    known = set(saved)
    own = ((node.name, [tuple(size or 0 for size in weight.shape) for weight in node.weights]) for node in graph.nodes)
    return any(Saved(name, tuple(sorted(shapes))) in known for name, shapes in own if shapes)
