"""Reads the models that a spec takes from elsewhere: their layers become part of it, and nothing of a file runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core.errors import Diagnostic, Problem, leave_out
from dlspec.core.tree import Invalid, Map, Seq, span_of, span_of_key
from dlspec.core.weights import Origin
from dlspec.passes.applications import copy_of
from dlspec.passes.state import Resolved, SavedModel, step

if TYPE_CHECKING:
    from dlspec.backends.importing.archives import Source
    from dlspec.backends.importing.models import Declared
    from dlspec.backends.importing.steps import Step

# Options of `models` that say what a file or an application says.
_NEEDLESS = ("inputs", "layers")


@step(requires=Resolved, sets=("saved_models",))
def saved_models(state: Resolved) -> None:
    """Declarations of models from files and of those of `keras.applications`, with the models inside of them."""
    models = state.data.get("models")
    if not isinstance(models, Map):
        return
    for name, written in models.items():
        if isinstance(written, Map):
            sound = _check_options(state, name, written)
            if "average_of" in written:
                continue
            if isinstance(written.get("file"), str):
                state.saved_models = {**state.saved_models, **_from_file(state, name, written)}
            elif "application" in written:
                # Keras is not started for a spec that has to change.
                read = _application(state, name, written) if sound else {name: SavedModel(Invalid(written))}
                state.saved_models = {**state.saved_models, **read}


def _check_options(state: Resolved, name: str, written: Map) -> bool:
    """Whether all options change something; E207 for those that do not."""
    if "average_of" in written:
        return True
    before = len(state.diagnostics.items)
    origin = next((key for key in ("file", "application") if key in written), "")
    if origin:
        for key in _NEEDLESS:
            if key in written:
                message = f"`{key}` has no effect beside `{origin}`: {name} has the {key} of the {origin}"
                state.add("E207", message, span_of_key(written, key), leave_out(key))
    elif "trainable" in written and not written.tainted:
        message = f"`trainable` has no effect: {name} is from no file"
        state.add("E207", message, span_of_key(written, "trainable"), "give it to the layers: `trainable: false`")
    if "preprocess" in written and "application" not in written and not written.tainted:
        message = f"`preprocess` has no effect: {name} is no application"
        help = "write `rescaling` before it, with what its pixels need"
        state.add("E207", message, span_of_key(written, "preprocess"), help)
    return len(state.diagnostics.items) == before


def _from_file(state: Resolved, name: str, written: Map) -> dict[str, SavedModel]:
    """The model in a file, and those inside of it; invalid where a mistake hides it."""
    from dlspec.backends.importing.archives import read_source

    try:
        path = _file(state, name, written["file"])
        made = _declared(state, name, written, read_source(path, written["file"]))
    except Problem as problem:
        option = problem.option if problem.option in written else "file"
        state.diagnostics.add(problem.at(span_of(written, option)))
        return {name: SavedModel(Invalid(written))}
    origin = Origin(name, written["file"], path, made.layers)
    files = {f"{name}{path.suffix}": path}
    return _all(made, name, SavedModel(made.declarations[name], origin, _frozen(written), files))


def _application(state: Resolved, name: str, written: Map) -> dict[str, SavedModel]:
    """A model of `keras.applications`, and those inside of it; invalid where a mistake hides it."""
    from dlspec.backends.importing.archives import read_source
    from dlspec.passes.applications import given, layers_file, steps_for_pixels, weights_file_of

    application = given(state, name, written)
    outputs = written.get("outputs")
    # What is no name has been said; nothing is looked up for it, which might start Keras.
    named = outputs is None or all(
        isinstance(each, str) for each in (outputs if isinstance(outputs, list) else [outputs])
    )
    if application is None or not named:
        return {name: SavedModel(Invalid(written))}
    try:
        before = steps_for_pixels(application) if written.get("preprocess", True) else []
        weights = weights_file_of(state, name, application)
        path = layers_file(state.workspace, name, application)
        made = _declared(state, name, written, read_source(path, application.name), before)
    except Problem as problem:
        arguments = next(iter(written["application"].values())) if isinstance(written["application"], Map) else None
        container = arguments if isinstance(arguments, Map) and problem.option in arguments else written
        option = problem.option if problem.option in container else "application"
        state.diagnostics.add(problem.at(span_of(container, option)))
        return {name: SavedModel(Invalid(written))}
    files, origin = {f"{name}.json": path}, None
    if weights is not None:
        files[f"{name}.weights{weights.suffix}"] = weights
        origin = Origin(name, str(application.weights), weights, made.layers, orders=True)
    whole = SavedModel(made.declarations[name], origin, _frozen(written), files, application.name)
    return _all(made, name, whole)


def _all(made: Declared, name: str, whole: SavedModel) -> dict[str, SavedModel]:
    """A model and those inside of it."""
    inside = {inner: SavedModel(declaration) for inner, declaration in made.declarations.items() if inner != name}
    return {name: whole, **inside}


def _frozen(written: Map) -> bool:
    return written.get("trainable") is False


def _declared(state: Resolved, name: str, written: Map, source: Source, before: Sequence[Step] = ()) -> Declared:
    """The layers of a saved model as declarations, after steps that what enters passes first.

    Raises:
        Problem: E541, E801 to E803, a spec cannot say what the model is.
    """
    from dlspec.backends.importing.models import declared, texts

    made = declared(
        source, name, span_of(written, "file" if "file" in written else "application"),
        outputs=[*texts(written.get("outputs"))],
        before=before,
        as_saved="trainable" not in written,
        taken=_taken(state),
    )  # fmt: skip
    _check(made.declarations, source)
    return made


def _taken(state: Resolved) -> set[str]:
    """Names that models inside of a file may not get."""
    sections = (state.data.get(key) for key in ("models", "blocks"))
    return {name for section in sections if isinstance(section, Map) for name in section} | {*state.saved_models}


def _file(state: Resolved, name: str, written: str) -> Path:
    """The file that a model is read from, or the copy of it that a run keeps.

    Raises:
        Problem: The file is not there, or may not be read.
    """
    from dlspec.data.sources.paths import RUN_MODEL, weights_file

    if (copy := copy_of(state.workspace.models, f"{name}.*")) is not None:
        return copy
    try:
        path = weights_file(written, state.folder, allow_outside=state.allow_outside)
    except Problem as problem:
        copy = copy_of(state.workspace.spare_models, f"{name}.*")
        if copy is None or problem.code != "E601":
            raise
        return copy
    return path.with_name(RUN_MODEL) if (state.folder / written).is_dir() else path


def _check(declarations: dict[str, Map] | Any, source: Source) -> None:
    """Holds the declarations against the schema, as if they stood in a spec.

    Raises:
        Problem: E803, a spec does not allow what stands in the file.
    """
    from dlspec.semantics.schema.conforming import check
    from dlspec.semantics.schema.keywords import schema

    models, layers = Map(), Seq()
    models |= declarations
    layers.append("flatten")
    whole = Map()
    whole |= {"models": models, "layers": layers}
    mistakes: list[Diagnostic] = check(whole, schema())
    if mistakes:
        first, more = mistakes[0].message, f"; and {len(mistakes) - 1} more" if len(mistakes) > 1 else ""
        raise Problem("E803", f"a spec does not hold what stands in `{source.shown}`: {first}{more}")
