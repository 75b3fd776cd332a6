"""Origins of an exported model: a run folder, or a spec with weights from elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.backends.keras.internals import flatten_layers
from dlspec.components.layers.base import Layer
from dlspec.core.documents.report import REPORT_FILE
from dlspec.core.errors import Diagnostic, SpecError
from dlspec.core.ir import Graph, Node, shared_models
from dlspec.export.formats import traits
from dlspec.export.formats.reasons import reason
from dlspec.export.formats.traits import Trait
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Lowered
from dlspec.training.loop.non_finite import unsound_weights
from dlspec.training.saved import require_room
from dlspec.views.pages.index import CODE_FOLDER, MODEL_FILE, MODELS_FOLDER, SPEC_FILE, Run


def check_run(folder: Path) -> list[Diagnostic]:
    """Looks at a run folder without loading anything heavy.

    Returns:
        A warning where the run did not finish.

    Raises:
        SpecError: E704, the folder holds no trained model.
        Problem: E416, the model does not fit into the memory.
    """
    for name in (REPORT_FILE, MODEL_FILE):
        if not (folder / name).is_file():
            text = f"`{folder}` is no folder of a run with a model: it has no {name}"
            raise SpecError([Diagnostic("E704", text, None, "name a spec, or a folder that `dlspec train` made")])
    run = Run(folder)
    if run.damage:
        raise SpecError([Diagnostic("E704", f"`{folder}`: {run.damage}")])
    require_room(folder / MODEL_FILE)
    if run.status == "finished":
        return []
    return [Diagnostic("W703", f"the run has the status `{run.status}`: its model is the best so far")]


def traits_of_run(folder: Path, *, allow_code: bool = False) -> list[Trait]:
    """Traits of a run's model that matter to formats, from its spec, preparation included; nothing is loaded."""
    run = Run(folder)
    home = run.spec_folder if run.spec_folder_is_here else run.path
    workspace = Workspace(home, allow_code=allow_code, code=run.path / CODE_FOLDER, models=run.path / MODELS_FOLDER)
    state = compile_spec(run.path / SPEC_FILE, (), workspace, until=Lowered)
    if not isinstance(state, Lowered):
        return []  # where its data are gone, inputs may not be known: what cannot be written is said by the exporter
    dtypes = run.facts.get("data", {}).get("columns", {})
    listed = traits.of_graph(state.graph)
    for name, feature in state.data_section.features.items() if state.data_section is not None else ():
        if feature.prepare and feature.token_length is None and dtypes.get(feature.sources[0]) == "string":
            listed.append(Trait("text", name))
        listed += [Trait("lack", layer.name, None, layer.name, layer.lacking_in()) for layer in feature.prepare]
    return [replace(trait, span=None) for trait in listed]


class SpecOfRun(NamedTuple):
    """The spec that a run was trained by.

    Attributes:
        spec: Its copy in the run folder.
        home: The folder where its paths start.
    """

    spec: Path
    name: str
    home: Path


def spec_of_run(folder: Path, allow_outside: bool) -> SpecOfRun:
    """Finds the spec of a run, which need not have finished.

    Args:
        folder: The run folder.
        allow_outside: Whether the user lets its paths start anywhere.

    Raises:
        SpecError: E704, the folder is none of a run, its report cannot be read, or its paths start elsewhere.
    """
    run = Run(folder)
    for name in (SPEC_FILE, REPORT_FILE):
        if not (folder / name).is_file():
            text = f"`{folder}` is no folder of a run with a report: it has no {name}"
            raise SpecError([Diagnostic("E704", text, None, "name a spec, or a folder that `dlspec train` made")])
    if run.spec_folder is None:
        why = run.damage or f"`{REPORT_FILE}` does not tell where its paths start"
        raise SpecError([Diagnostic("E704", f"`{folder}`: {why}", None, "name the spec itself")])
    if not (allow_outside or run.spec_folder_is_here):
        raise SpecError([Diagnostic("E704", run.away(), None, "call it from there, or add `--allow-outside`")])
    return SpecOfRun(folder / SPEC_FILE, run.name, run.spec_folder)


def load_run(folder: Path) -> Any:
    """The model of a run, preparation included.

    Raises:
        SpecError: E704, Keras cannot load it.
    """
    return _load(folder / MODEL_FILE)


def _load(file: Path) -> Any:
    import keras

    importlib.import_module("dlspec.keras_layers")  # registers the classes that a file may name
    try:
        model = keras.saving.load_model(file, compile=False)
    except Exception as error:  # damaged files fail in many ways
        raise SpecError([Diagnostic("E704", f"cannot load `{file}`: {reason(error)}")]) from error
    _require_finite(model, file)
    return model


def _require_finite(model: Any, file: Path) -> None:
    layer = unsound_weights(model)
    if layer:
        text = f"the weights of layer `{layer}` in `{file}` are not finite"
        raise SpecError([Diagnostic("E704", text, None, "such a model answers nothing: train again")])


def check_weights(file: Path | None) -> None:
    """Says before anything is built that there is no such file of weights.

    Raises:
        SpecError: E704.
        Problem: E416, they do not fit into the memory.
    """
    if file is None:
        return
    if not file.name.endswith((".keras", ".weights.h5")):
        help = "the name of a file of weights ends in .keras or .weights.h5"
        raise SpecError([Diagnostic("E704", f"`{file}` is no file of weights", None, help)])
    if not file.is_file():
        raise SpecError([Diagnostic("E704", f"there is no file `{file}`")])
    require_room(file)


def read_weights(model: Any, file: Path) -> None:
    """Puts the weights of `file` into a model built from a spec.

    A ``.keras`` file may have preparation around the model, as those of runs have.

    Raises:
        SpecError: E704, the file cannot be read or belongs to another model.
    """
    import keras

    if file.suffix != ".keras":
        try:
            model.load_weights(file)
        except Exception as error:  # so do these
            text = f"the weights in `{file}` do not fit: {reason(error)}"
            raise SpecError([Diagnostic("E704", text, None, "they must be those of the same spec")]) from error
        _require_finite(model, file)
        return
    wanted = _shapes(model)
    for candidate in _models(_load(file)):
        if _shapes(candidate) == wanted:
            model.set_weights(candidate.get_weights())
            for layer in flatten_layers(model, include_self=False):
                if isinstance(layer, keras.layers.Normalization):
                    layer.finalize_state()  # computes with constants made of its weights
            return
    text = f"the weights in `{file}` do not fit: no model in it has the {len(wanted)} variables of the spec"
    raise SpecError([Diagnostic("E704", text, None, "they must be those of the same spec")])


def _models(model: Any) -> Iterator[Any]:
    """A model and those among its layers."""
    import keras

    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield layer


def _shapes(model: Any) -> list[tuple[int, ...]]:
    return [tuple(variable.shape) for variable in model.weights]


def unadapted(graph: Graph, weights: Path | None) -> list[Diagnostic]:
    """Warnings of layers that have measured no data; some keep what they measured among their weights."""
    return [
        Diagnostic(
            "W404",
            f"`{node.name}` is exported without having measured any data",
            node.span,
            "`dlspec train` adapts it to the training split; export the run's folder",
        )
        for node, layer in _adapting(graph)
        if weights is None or not layer.weighs_measures
    ]


def _adapting(graph: Graph) -> Iterator[tuple[Node, Layer]]:
    for part in (graph, *(model.graph for model in shared_models(graph) if model.origin is None)):
        for node in part.nodes:
            if isinstance(node.layer, Layer) and node.layer.adapts:
                yield node, node.layer
